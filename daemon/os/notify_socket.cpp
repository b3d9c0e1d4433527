#include "daemon/os/notify_socket.h"

#include "daemon/core/notify_message.h"
#include "daemon/os/folders.h"
#include "daemon/os/foreign_descriptors.h"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <span>
#include <utility>

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace procctl {
namespace {

constexpr unsigned most_a_turn = 64;                // a program that floods us must not starve the loop
constexpr std::size_t most_descriptors = 253;       // the kernel's SCM_MAX_FD
constexpr unsigned kernel_default_queue_limit = 10; // of net.unix.max_dgram_qlen

// Names for a sockaddr_un that end with its size alone, such as the kernel makes.
std::string abstract_name(const sockaddr_un& address, socklen_t size)
{
    const std::size_t length = size - offsetof(sockaddr_un, sun_path);
    return "@" + std::string(address.sun_path + 1, length - 1);
}

result<std::string> bind_abstract(int socket)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // unix(7), autobind: with the family alone the kernel chooses a name that nobody has.
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(sa_family_t)) != 0)
        return last_error("cannot make a notify socket");
    socklen_t size = sizeof address;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return last_error("cannot make a notify socket");
    return abstract_name(address, size);
}

bool fits(const std::string& path) { return path.size() < sizeof(sockaddr_un::sun_path); }

result<void> bind_file(int socket, const std::string& path)
{
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) == 0) {
        if (!S_ISSOCK(facts.st_mode))
            return make_error("cannot make the notify socket " + path + ": it exists and is no socket");
        if (::unlink(path.c_str()) != 0 && errno != ENOENT)
            return last_error("cannot replace the old socket " + path);
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return last_error("cannot make the notify socket " + path);
    // bind(2) has made the file with the umask; programs of any user may send.
    if (::chmod(path.c_str(), 0666) != 0) return last_error("cannot open the notify socket " + path);
    return {};
}

// How many datagrams a socket that is made now can hold: those that wait and one more, for the kernel looks
// before it adds (unix(7), max_dgram_qlen). There is no asking how many wait.
unsigned queue_limit()
{
    std::ifstream setting("/proc/sys/net/unix/max_dgram_qlen");
    unsigned limit = kernel_default_queue_limit;
    setting >> limit;
    return limit + 1;
}

// What came with a datagram besides its text.
struct ancillary {
    ucred sender{};
    std::vector<unique_fd> descriptors;
};

ancillary read_ancillary(msghdr& header)
{
    ancillary found;
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
        if (c->cmsg_level != SOL_SOCKET) continue;
        if (c->cmsg_type == SCM_CREDENTIALS) {
            std::memcpy(&found.sender, CMSG_DATA(c), sizeof found.sender);
        } else if (c->cmsg_type == SCM_RIGHTS) {
            std::array<int, most_descriptors> numbers{};
            const std::size_t size = std::min(c->cmsg_len - CMSG_LEN(0), sizeof numbers);
            std::memcpy(numbers.data(), CMSG_DATA(c), size);
            for (const int fd : std::span(numbers).first(size / sizeof(int)))
                found.descriptors.emplace_back(fd);
        }
    }
    return found;
}

} // namespace

struct notify_socket::impl : std::enable_shared_from_this<impl> {
    impl(boost::asio::io_context& io, handler h) : socket(io), on_datagram(std::move(h)) {}
    ~impl() { close(); }

    result<void> open(notify_address, const std::string& folder, const std::string& instance);
    void await_ready();
    bool receive();
    void receive_up_to(unsigned most);
    void close();

    boost::asio::posix::stream_descriptor socket;
    handler on_datagram;
    std::string address;
    std::string path; // of the file; empty: there is none
    struct stat file {};
    unsigned most_queued = 0;
    bool is_closed = false; // a handler has destroyed the socket: what is left is nobody's
};

result<void> notify_socket::impl::open(notify_address kind, const std::string& folder,
                                       const std::string& instance)
{
    most_queued = queue_limit();
    unique_fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return last_error("cannot make a notify socket");
    // Before it has an address, so that there is no datagram without credentials.
    const int on = 1;
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return last_error("cannot ask for the senders of notifications");

    const std::string wanted = folder + '/' + instance;
    if (kind == notify_address::file && fits(wanted)) {
        if (auto bound = bind_file(fd.get(), wanted); !bound) return bound.error();
        path = address = wanted;
        if (::lstat(path.c_str(), &file) != 0) return last_error("cannot make the notify socket " + path);
    } else {
        auto bound = bind_abstract(fd.get());
        if (!bound) return bound.error();
        address = std::move(*bound);
    }
    boost::system::error_code problem;
    socket.assign(fd.get(), problem);
    if (problem) return error{problem, "cannot watch the notify socket " + address};
    (void)fd.release(); // the descriptor's from here on
    await_ready();
    return {};
}

void notify_socket::impl::close()
{
    if (std::exchange(is_closed, true)) return;
    boost::system::error_code ignored;
    socket.close(ignored);
    struct stat there {};
    if (!path.empty() && ::lstat(path.c_str(), &there) == 0 && there.st_dev == file.st_dev &&
        there.st_ino == file.st_ino)
        ::unlink(path.c_str());
}

void notify_socket::impl::await_ready()
{
    socket.async_wait(socket.wait_read, [self = weak_from_this()](boost::system::error_code failed) {
        const auto alive = self.lock();
        if (failed || !alive || alive->is_closed) return;
        alive->receive_up_to(most_a_turn);
        // Readiness is told again when something is left.
        if (!alive->is_closed) alive->await_ready();
    });
}

void notify_socket::impl::receive_up_to(unsigned most)
{
    for (unsigned n = 0; n < most && !is_closed; ++n)
        if (!receive()) return;
}

// Hands on one datagram; false when there is none.
bool notify_socket::impl::receive()
{
    // On the stack, for the handler may drain the socket, and so come here again.
    std::array<char, longest_notification> text;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(most_descriptors * sizeof(int))>
        control;
    iovec part{.iov_base = text.data(), .iov_len = text.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    ssize_t size = 0;
    do
        size = ::recvmsg(socket.native_handle(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    if (size < 0) return false;

    ancillary with = read_ancillary(header);
    datagram got{.text = {text.data(), static_cast<std::size_t>(size)},
                 .pid = with.sender.pid,
                 .uid = with.sender.uid,
                 .descriptors = std::move(with.descriptors)};
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || got.pid <= 0) {
        got.is_refused = true;
        got.text = {};
        close_elsewhere(std::exchange(got.descriptors, {}));
    }
    on_datagram(std::move(got));
    return true;
}

result<void> make_notify_folder(const std::string& path)
{
    if (auto made = make_folders(path, 0711); !made) return made;
    // Whatever the umask; programs of other users have to get through.
    if (::chmod(path.c_str(), 0711) != 0) return last_error("cannot open the folder " + path);
    return {};
}

result<notify_socket> notify_socket::open(boost::asio::io_context& io, notify_address kind,
                                          const std::string& folder, const std::string& instance,
                                          handler on_datagram)
{
    auto made = std::make_shared<impl>(io, std::move(on_datagram));
    if (auto opened = made->open(kind, folder, instance); !opened) return opened.error();
    return notify_socket(std::move(made));
}

notify_socket::notify_socket(std::shared_ptr<impl> made) : impl_(std::move(made)) {}
notify_socket::~notify_socket()
{
    if (impl_) impl_->close();
}
notify_socket::notify_socket(notify_socket&&) noexcept = default;
notify_socket& notify_socket::operator=(notify_socket&& other) noexcept
{
    if (impl_ && impl_ != other.impl_) impl_->close();
    impl_ = std::move(other.impl_);
    return *this;
}

const std::string& notify_socket::address() const { return impl_->address; }

void notify_socket::drain()
{
    const auto alive = impl_; // a handler may destroy the socket
    alive->receive_up_to(alive->most_queued);
}

} // namespace procctl
