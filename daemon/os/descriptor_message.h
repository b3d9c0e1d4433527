// Bytes with descriptors beside them, over a Unix stream socket: how a helper hands over what it has opened.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace procctl {

inline constexpr std::size_t most_passed = 3; // in one message: what becomes 0, 1 and 2 of a program

// Sends all bytes, and the descriptors, which are borrowed, with the first of them; so `text` is not empty.
// May block until the receiver has room.
[[nodiscard]] result<void> send_with_descriptors(int socket, std::string_view text,
                                                 std::span<const int> passed);

struct received_bytes {
    std::size_t size = 0; // 0: the other end is closed
    std::vector<unique_fd> passed;
    // There were more than `most_passed`, or more than there is room for (RLIMIT_NOFILE): the rest is closed.
    bool has_lost_descriptors = false;
};
// Never blocks. EAGAIN: nothing there. The descriptors are close-on-exec; closing them is best left to
// foreign_descriptors.
[[nodiscard]] result<received_bytes> receive_with_descriptors(int socket, std::span<char> into);

} // namespace procctl
