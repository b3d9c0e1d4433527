// The last lines of a file, found from its end without reading the rest.
#pragma once

#include "common/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace procctl {

// The offset at which the last `lines` lines before `end` begin; 0 when there are fewer. A last line without
// its newline is a line. Lines are what '\n' ends; other bytes, NUL among them, mean nothing.
[[nodiscard]] result<std::uint64_t> start_of_last_lines(int fd, std::uint64_t end, unsigned lines);

// Puts a prefix before each line of a text that comes in pieces. An unfinished line is kept until its rest
// comes, so that lines of several texts can be mixed.
class line_prefixer {
public:
    // A line longer than this is broken.
    static constexpr std::size_t longest_line = 64U << 10U;

    explicit line_prefixer(std::string prefix) : prefix_(std::move(prefix)) {}

    // Appends to `out` the lines that are complete now.
    void add(std::string_view piece, std::string& out);
    // Appends an unfinished line, if there is one, and ends it.
    void finish(std::string& out);

private:
    std::string prefix_;
    std::string unfinished_;
};

} // namespace procctl
