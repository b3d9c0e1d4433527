#include "daemon/os/descriptor_store.h"

#include "daemon/os/foreign_descriptors.h"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace procctl {
namespace {

struct stored {
    std::uint64_t id = 0; // in epoll's data
    unique_fd descriptor;
    std::string name;
    struct stat facts {};
    bool is_polled = false;
};

bool is_same_inode(const struct stat& a, const struct stat& b)
{
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && (a.st_mode & S_IFMT) == (b.st_mode & S_IFMT);
}

// Whether both are of the same open file, so that one of them is enough. The inode is compared first because
// that asks nobody: kcmp(2) against each of thousands would hold up the loop for seconds.
bool is_same_file(const stored& a, const stored& b)
{
    if (!is_same_inode(a.facts, b.facts)) return false;
    const pid_t self = ::getpid();
    const long order = ::syscall(SYS_kcmp, self, self, KCMP_FILE, a.descriptor.get(), b.descriptor.get());
    if (order >= 0) return order == 0;
    // Not permitted, as in a container. Descriptors of one device may stand for different contexts, and event
    // counters and their like, which have no type, all have one inode; the two ends of a pipe differ in their
    // flags.
    const mode_t type = a.facts.st_mode & S_IFMT;
    if (type == S_IFCHR || type == S_IFBLK || type == 0) return false;
    return ::fcntl(a.descriptor.get(), F_GETFL) == ::fcntl(b.descriptor.get(), F_GETFL);
}

// Pipes, sockets and what has no type (event counters and their like) can hang up. Nothing else is asked: a
// file on a FUSE mount, or a device, would have the loop wait for whoever serves it.
bool can_hang_up(const stored& s)
{
    return S_ISFIFO(s.facts.st_mode) || S_ISSOCK(s.facts.st_mode) || (s.facts.st_mode & S_IFMT) == 0;
}

} // namespace

// The descriptors that are polled sit in an epoll of their own, of which the loop sees a single descriptor:
// they are registered for hang-ups alone, so that a socket the program is busy with wakes nobody.
struct descriptor_store::impl {
    explicit impl(boost::asio::io_context& io) : poll(io) {}
    ~impl()
    {
        drop_if([](const stored&) { return true; });
    }
    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;

    bool open_poll();
    bool start_polling(const stored&);
    void stop_polling(const stored&);
    void await_hang_ups();
    void drop_hung_up();
    template <class Condition> std::size_t drop_if(Condition);

    boost::asio::posix::stream_descriptor poll; // closed until something is polled
    std::vector<stored> all;                    // in the order of storing
    std::uint64_t last_id = 0;

    // A completion handler that is queued already runs even when the store is gone.
    std::shared_ptr<const bool> life = std::make_shared<const bool>(true);
};

bool descriptor_store::impl::open_poll()
{
    if (poll.is_open()) return true;
    unique_fd fd(::epoll_create1(EPOLL_CLOEXEC));
    boost::system::error_code problem;
    if (fd) poll.assign(fd.get(), problem);
    if (!fd || problem) return false;
    (void)fd.release(); // the descriptor's from here on
    await_hang_ups();
    return true;
}

// False when that cannot be: EBADF for one opened with O_PATH, which never hangs up. Where the daemon has run
// out of something they are kept all the same, which is the lesser loss.
bool descriptor_store::impl::start_polling(const stored& s)
{
    if (!can_hang_up(s) || !open_poll()) return false;
    epoll_event event{.events = 0, .data = {.u64 = s.id}}; // EPOLLHUP and EPOLLERR are always told
    return ::epoll_ctl(poll.native_handle(), EPOLL_CTL_ADD, s.descriptor.get(), &event) == 0;
}

// Closing alone would not do: the program has the same open file, and epoll goes by that.
void descriptor_store::impl::stop_polling(const stored& s)
{
    if (s.is_polled) ::epoll_ctl(poll.native_handle(), EPOLL_CTL_DEL, s.descriptor.get(), nullptr);
}

void descriptor_store::impl::await_hang_ups()
{
    poll.async_wait(poll.wait_read, [this, alive = std::weak_ptr(life)](boost::system::error_code failed) {
        if (failed || alive.expired()) return;
        drop_hung_up();
        await_hang_ups();
    });
}

void descriptor_store::impl::drop_hung_up()
{
    if (!poll.is_open()) return;
    std::array<epoll_event, 64> events;
    for (;;) {
        const int count = ::epoll_wait(poll.native_handle(), events.data(), events.size(), 0);
        if (count <= 0) return;
        const auto ready = std::span(events).first(static_cast<std::size_t>(count));
        drop_if([&](const stored& s) {
            return std::ranges::any_of(ready, [&](const epoll_event& e) { return e.data.u64 == s.id; });
        });
    }
}

template <class Condition> std::size_t descriptor_store::impl::drop_if(Condition condition)
{
    std::vector<unique_fd> dropped;
    const std::size_t count = std::erase_if(all, [&](stored& s) {
        if (!condition(s)) return false;
        stop_polling(s);
        dropped.push_back(std::move(s.descriptor));
        return true;
    });
    close_elsewhere(std::move(dropped));
    return count;
}

descriptor_store::descriptor_store(boost::asio::io_context& io) : impl_(std::make_unique<impl>(io)) {}
descriptor_store::~descriptor_store() = default;
descriptor_store::descriptor_store(descriptor_store&&) noexcept = default;
descriptor_store& descriptor_store::operator=(descriptor_store&&) noexcept = default;

descriptor_store::outcome descriptor_store::add(std::vector<unique_fd> descriptors, const std::string& name,
                                                bool polls, std::size_t most)
{
    outcome counts;
    std::vector<unique_fd> dropped;
    for (unique_fd& fd : descriptors) {
        stored candidate{.id = ++impl_->last_id, .descriptor = std::move(fd), .name = name};
        if (impl_->all.size() >= most || !look_at_descriptor(candidate.descriptor.get(), candidate.facts)) {
            ++counts.refused;
            dropped.push_back(std::move(candidate.descriptor));
        } else if (std::ranges::any_of(impl_->all,
                                       [&](const stored& s) { return is_same_file(s, candidate); })) {
            ++counts.duplicate;
            dropped.push_back(std::move(candidate.descriptor));
        } else {
            candidate.is_polled = polls && impl_->start_polling(candidate);
            impl_->all.push_back(std::move(candidate));
            ++counts.kept;
        }
    }
    close_elsewhere(std::move(dropped));
    return counts;
}

std::size_t descriptor_store::remove(const std::string& name)
{
    return impl_->drop_if([&](const stored& s) { return s.name == name; });
}

void descriptor_store::clear()
{
    impl_->drop_if([](const stored&) { return true; });
}

std::vector<descriptor_store::entry> descriptor_store::entries()
{
    impl_->drop_hung_up();
    std::vector<entry> in_order;
    in_order.reserve(impl_->all.size());
    for (auto s = impl_->all.rbegin(); s != impl_->all.rend(); ++s)
        in_order.push_back({s->descriptor.get(), s->name});
    return in_order;
}

std::size_t descriptor_store::size() const { return impl_->all.size(); }

} // namespace procctl
