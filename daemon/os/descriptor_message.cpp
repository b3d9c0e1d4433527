#include "daemon/os/descriptor_message.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include <errno.h>
#include <sys/socket.h>

namespace procctl {

result<void> send_with_descriptors(int socket, std::string_view text, std::span<const int> passed)
{
    assert(!text.empty() && passed.size() <= most_passed);
    alignas(cmsghdr) std::array<char, CMSG_SPACE(most_passed * sizeof(int))> control{};
    while (!text.empty()) {
        iovec data{const_cast<char*>(text.data()), text.size()}; // sendmsg(2) does not write to it
        msghdr message{};
        message.msg_iov = &data;
        message.msg_iovlen = 1;
        if (!passed.empty()) {
            message.msg_control = control.data();
            message.msg_controllen = CMSG_SPACE(passed.size_bytes());
            cmsghdr* const head = CMSG_FIRSTHDR(&message);
            head->cmsg_level = SOL_SOCKET;
            head->cmsg_type = SCM_RIGHTS;
            head->cmsg_len = CMSG_LEN(passed.size_bytes());
            std::memcpy(CMSG_DATA(head), passed.data(), passed.size_bytes());
        }
        const ssize_t size = ::sendmsg(socket, &message, MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return last_error("cannot pass descriptors on");
        text.remove_prefix(static_cast<std::size_t>(size));
        passed = {};
    }
    return {};
}

result<received_bytes> receive_with_descriptors(int socket, std::span<char> into)
{
    iovec data{into.data(), into.size()};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    // What does not fit in the kernel closes, and says so. CMSG_SPACE is rounded up, and has room for one
    // more.
    alignas(cmsghdr) std::array<char, CMSG_SPACE(most_passed * sizeof(int))> control{};
    message.msg_control = control.data();
    message.msg_controllen = CMSG_LEN(most_passed * sizeof(int));
    ssize_t size = 0;
    do
        size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    if (size < 0) return last_error("cannot receive descriptors");

    received_bytes got;
    got.size = static_cast<std::size_t>(size);
    got.has_lost_descriptors = (message.msg_flags & MSG_CTRUNC) != 0;
    for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        std::array<int, most_passed> numbers{};
        const std::size_t bytes = std::min(head->cmsg_len - CMSG_LEN(0), sizeof numbers);
        std::memcpy(numbers.data(), CMSG_DATA(head), bytes);
        for (const int fd : std::span(numbers).first(bytes / sizeof(int)))
            got.passed.emplace_back(fd);
    }
    return got;
}

} // namespace procctl
