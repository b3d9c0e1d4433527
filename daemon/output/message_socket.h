// One datagram, with at most one descriptor beside it, over a SOCK_SEQPACKET socket. Never blocks.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"

#include <span>
#include <string_view>

namespace procctl::output {

// Sends all of it or nothing. `passed`, unless -1, is borrowed: the receiver gets a duplicate. EAGAIN: the
// socket's buffer is full. ETOOMANYREFS: too many descriptors are under way (unix(7)).
[[nodiscard]] result<void> send_message(int socket, std::string_view bytes, int passed = -1);

struct received {
    std::size_t size = 0; // 0: the other end is gone
    unique_fd passed;
};
// EAGAIN: nothing there. EMSGSIZE: a message longer than `into`, or with more descriptors than one; it is
// dropped and its descriptors are closed.
[[nodiscard]] result<received> receive_message(int socket, std::span<char> into);

} // namespace procctl::output
