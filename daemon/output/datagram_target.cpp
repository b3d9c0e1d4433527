#include "daemon/output/datagram_target.h"

#include <cstring>
#include <utility>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace procctl::output {
namespace {

// What send(2) says when the other end has gone: a new one may be there already.
bool is_disconnected(int errno_value)
{
    return errno_value == ECONNREFUSED || errno_value == ECONNRESET || errno_value == ENOTCONN ||
           errno_value == EPIPE;
}

outcome from_errno(int errno_value)
{
    if (errno_value == EAGAIN) return {outcome::status::target_full, 0, 0};
    return {outcome::status::cannot_write, 0, errno_value};
}

// Returns 0 or an errno.
int send_message(int socket, const msghdr& message)
{
    for (;;) {
        if (::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0) return 0;
        if (errno != EINTR) return errno;
    }
}

int write_all(int fd, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

} // namespace

int datagram_target::connect()
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) return ENAMETOOLONG;
    path_.copy(address.sun_path, path_.size());
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
        fd_.reset(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!fd_) return errno;
        is_stream_ = type == SOCK_STREAM;
        if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return 0;
        const int problem = errno;
        fd_.reset();
        // The socket is there, and is of the other type (unix(7)).
        if (problem != EPROTOTYPE) return problem;
    }
    return EPROTOTYPE;
}

void datagram_target::close()
{
    fd_.reset();
    sent_ = 0;
}

outcome datagram_target::send(std::string_view message)
{
    if (const outcome earlier = flush(); earlier.what != outcome::status::moved) return earlier;
    // Twice, for an other end that was started again since the last message.
    for (int problem = 0;;) {
        if (!fd_)
            if (const int refusal = connect(); refusal != 0)
                return {outcome::status::cannot_open, 0, refusal};
        const bool is_second = problem != 0;
        problem = send_once(message);
        if (problem == 0) return {outcome::status::moved, message.size(), 0};
        if (problem != EAGAIN) close();
        if (is_second || !is_disconnected(problem)) return from_errno(problem);
    }
}

outcome datagram_target::flush()
{
    for (int problem = 0; !unsent_.empty();) {
        if (!fd_)
            if (const int refusal = connect(); refusal != 0)
                return {outcome::status::cannot_open, 0, refusal};
        const bool is_second = problem != 0;
        problem = write_unsent();
        if (problem == 0) break;
        if (problem != EAGAIN) close();
        if (is_second || !is_disconnected(problem)) return from_errno(problem);
    }
    return {};
}

int datagram_target::send_once(std::string_view message)
{
    if (is_stream_) {
        unsent_.reserve(message.size() + 1);
        unsent_ = message;
        unsent_ += '\0';
        sent_ = 0;
        const int problem = write_unsent();
        if (problem == EAGAIN && sent_ > 0) return 0;
        if (problem != 0) unsent_ = {};
        return problem;
    }
    iovec part{const_cast<char*>(message.data()), message.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    const int problem = send_message(fd_.get(), header);
    return problem == EMSGSIZE ? send_in_memfd(message) : problem;
}

int datagram_target::write_unsent()
{
    while (sent_ < unsent_.size()) {
        const ssize_t n = ::send(fd_.get(), unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        sent_ += static_cast<std::size_t>(n);
    }
    unsent_ = {};
    sent_ = 0;
    return 0;
}

int datagram_target::send_in_memfd(std::string_view message)
{
    const unique_fd file(::memfd_create("procctl-journal-message", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file) return errno;
    if (const int problem = write_all(file.get(), message); problem != 0) return problem;
    // The receiver maps the file: it takes none that could still be changed or cut.
    if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        return errno;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* const passed = CMSG_FIRSTHDR(&header);
    passed->cmsg_level = SOL_SOCKET;
    passed->cmsg_type = SCM_RIGHTS;
    passed->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = file.get();
    std::memcpy(CMSG_DATA(passed), &fd, sizeof fd);
    return send_message(fd_.get(), header);
}

} // namespace procctl::output
