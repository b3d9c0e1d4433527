// The last lines of a file, found from its end without reading the rest. Lines are what '\n' ends; other
// bytes, NUL among them, mean nothing.
#pragma once

#include "common/result.h"

#include <cstdint>

namespace procctl {

struct tail_start {
    std::uint64_t offset = 0;
    unsigned lines = 0; // that there are from there on, at most as many as were asked for
};
// Where the last `lines` lines of [begin, end) begin; `begin` is taken for the beginning of one. A last line
// without its newline is a line.
[[nodiscard]] result<tail_start> start_of_last_lines(int fd, std::uint64_t begin, std::uint64_t end,
                                                     unsigned lines);

// The offset after the last newline before `end`, of the last `most` bytes; `end` when there is none.
[[nodiscard]] std::uint64_t end_of_last_line(int fd, std::uint64_t end, std::uint64_t most);

} // namespace procctl
