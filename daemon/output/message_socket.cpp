#include "daemon/output/message_socket.h"

#include <cstring>

#include <errno.h>
#include <sys/socket.h>

namespace procctl::output {

result<void> send_message(int socket, std::string_view bytes, int passed)
{
    iovec data{const_cast<char*>(bytes.data()), bytes.size()}; // sendmsg(2) does not write to it
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    if (passed >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* const head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(head), &passed, sizeof passed);
    }
    while (::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        if (errno != EINTR) return last_error("cannot send a message");
    return {};
}

result<received> receive_message(int socket, std::span<char> into)
{
    iovec data{into.data(), into.size()};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    // Room for a few more than the one that is allowed, so that a stray one can be closed, not leaked.
    alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t size = 0;
    do
        size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    if (size < 0) return last_error("cannot receive a message");

    received got{static_cast<std::size_t>(size), {}};
    bool has_stray = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            has_stray = has_stray || got.passed;
            got.passed.reset(fd);
        }
    }
    if (has_stray) return make_error(EMSGSIZE, "cannot receive a message");
    return got;
}

} // namespace procctl::output
