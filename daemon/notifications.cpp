#include "daemon/notifications.h"

#include "daemon/os/foreign_descriptors.h"

#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

namespace procctl {
namespace {

// Whether everybody may pass through all folders of a path, so that a program of any user reaches its socket.
bool is_open_to_all(const std::filesystem::path& folder)
{
    using std::filesystem::perms;
    for (std::filesystem::path p = folder; p.has_relative_path(); p = p.parent_path()) {
        std::error_code failed;
        const auto status = std::filesystem::status(p, failed);
        if (failed || (status.permissions() & perms::others_exec) == perms::none) return false;
    }
    return true;
}

} // namespace

notifications::notifications(boost::asio::io_context& io, const supervisor& programs, reaper& processes,
                             std::string folder, fact_handler fact)
    : io_(io), programs_(programs), reaper_(processes), folder_(std::move(folder)),
      kind_(notify_address::abstract), fact_(std::move(fact))
{
    if (make_notify_folder(folder_) && (::geteuid() != 0 || is_open_to_all(folder_)))
        kind_ = notify_address::file;
}

result<std::string> notifications::address_of(const instance& i)
{
    if (const auto known = sockets_.find(i.id); known != sockets_.end()) {
        const std::string& address = known->second.address();
        if (address.starts_with('@') || ::access(address.c_str(), F_OK) == 0) return address;
        sockets_.erase(known); // somebody, a cleaner of /run perhaps, has deleted it
        (void)make_notify_folder(folder_);
    }
    const instance_id who = i.id;
    auto opened = notify_socket::open(
        io_, kind_, folder_, i.name, [this, who](notify_socket::datagram d) { received(who, std::move(d)); });
    if (!opened) return opened.error();
    return sockets_.emplace(who, std::move(*opened)).first->second.address();
}

void notifications::drain(instance_id who)
{
    if (const auto found = sockets_.find(who); found != sockets_.end()) found->second.drain();
}

void notifications::close(instance_id who) { sockets_.erase(who); }

void notifications::received(instance_id who, notify_socket::datagram datagram)
{
    std::shared_ptr<foreign_descriptors> attached;
    if (!datagram.descriptors.empty())
        attached = std::make_shared<foreign_descriptors>(std::move(datagram.descriptors));
    const instance* i = programs_.find(who);
    if (i == nullptr) return;
    auto message = datagram.is_refused ? make_error("refused") : parse_notify_message(datagram.text);
    if (!message) return fact_(who, notification_ignored{});
    notified fact = as_fact(*i, datagram, std::move(*message));
    fact.descriptors = std::move(attached);
    fact_(who, fact);
}

notified notifications::as_fact(const instance& i, const notify_socket::datagram& datagram,
                                notify_message message)
{
    notified fact;
    fact.pid = datagram.pid;
    fact.is_privileged = datagram.uid == 0;
    // Where the main process has the say, nobody else's membership is of interest.
    if (effective_notify_access(i.program->config) == notify_access::all)
        fact.is_member = reaper_.is_member(i.id, datagram.pid);
    if (message.main_pid) fact.new_main = find_process(reaper_, i.id, *message.main_pid);
    fact.message = std::move(message);
    return fact;
}

std::optional<found_process> find_process(reaper& processes, instance_id who, pid_t pid)
{
    auto candidate = reaper::open_process(pid);
    if (!candidate || processes.is_watched_elsewhere(pid, who)) return std::nullopt;
    return found_process{pid, processes.is_member(who, pid), candidate->is_child,
                         std::make_shared<unique_fd>(std::move(candidate->pidfd))};
}

unique_fd pidfd_of(const found_process& found)
{
    const auto* const pidfd = static_cast<const unique_fd*>(found.handle.get());
    return unique_fd(pidfd == nullptr ? -1 : ::fcntl(pidfd->get(), F_DUPFD_CLOEXEC, 3));
}

} // namespace procctl
