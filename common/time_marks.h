// Time marks: when which byte of a log was written, for logs whose lines do not say it themselves.
//
// A file beside the log (log_names.h): a header, then marks, in the machine's byte order. A mark says: the
// bytes from this offset on were written at this time or later, those before it not later. Offsets and times
// never fall. A mark is made at most once a second, and there are at most as many as fit into
// max_marks_size; then every second one is given up. What is in such a file is a hint: whoever reads it
// checks it against the log, and does without it when it is wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace procctl {

inline constexpr char marks_magic[8] = {'p', 'r', 'o', 'c', 't', 'i', 'm', '\n'};
inline constexpr std::size_t max_marks_size = 64U << 10U;

struct marks_header {
    char magic[8] = {};
    std::uint64_t ino = 0; // of the log; another number: the marks are those of another file
};
struct time_mark {
    std::uint64_t offset = 0;
    std::int64_t time = 0; // microseconds since the epoch

    friend bool operator==(const time_mark&, const time_mark&) = default;
};
static_assert(sizeof(marks_header) == 16 && sizeof(time_mark) == 16);

inline constexpr std::size_t max_marks = (max_marks_size - sizeof(marks_header)) / sizeof(time_mark);

struct time_marks {
    std::uint64_t ino = 0;
    std::vector<time_mark> marks; // rising
};
// The content of a file of marks. Where it stops making sense (a wrong header, falling numbers, half a mark)
// the rest is left out.
[[nodiscard]] time_marks read_time_marks(std::string_view content);

// The offset from which on bytes may have been written at `time` or later: 0 when nothing is known.
[[nodiscard]] std::uint64_t offset_since(std::span<const time_mark>, std::int64_t time);
// The offset from which on bytes were surely written after `time`; UINT64_MAX: none.
[[nodiscard]] std::uint64_t offset_until(std::span<const time_mark>, std::int64_t time);
// When the byte at `offset` was written, not later than the next mark; 0: not known.
[[nodiscard]] std::int64_t time_at(std::span<const time_mark>, std::uint64_t offset);

} // namespace procctl
