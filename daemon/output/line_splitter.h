// Cuts bytes into lines, and a line that is too long into pieces. Pure: what is cut off next depends on the
// bytes alone, not on how they arrived.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace procctl::output {

struct line_piece {
    std::string_view text; // without the newline; a "\r" before it is part of the text
    std::size_t size = 0;  // of what it takes up in the bytes, its newline included
    bool is_first = true;  // false: it goes on with the line of the piece before it
    bool is_last = true;   // false: the line goes on after it
};

// The line at the beginning of `bytes`, or its first piece of at most `longest` bytes (at least 4) when it is
// longer; cut between two characters of UTF-8 where there are any. Nothing when the line is not yet whole and
// not too long either. The first `searched` bytes are known to hold no newline.
[[nodiscard]] std::optional<line_piece> first_piece(std::string_view bytes, std::size_t longest,
                                                    std::size_t searched = 0);

} // namespace procctl::output
