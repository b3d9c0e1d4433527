#include "common/time_marks.h"

#include <algorithm>
#include <cstring>

namespace procctl {

time_marks read_time_marks(std::string_view content)
{
    time_marks out;
    marks_header header;
    if (content.size() < sizeof header) return out;
    std::memcpy(&header, content.data(), sizeof header);
    if (std::memcmp(header.magic, marks_magic, sizeof header.magic) != 0) return out;
    out.ino = header.ino;
    content.remove_prefix(sizeof header);
    out.marks.reserve(std::min(content.size() / sizeof(time_mark), max_marks));
    for (time_mark next; content.size() >= sizeof next; content.remove_prefix(sizeof next)) {
        std::memcpy(&next, content.data(), sizeof next);
        if (next.time < 0) break;
        if (!out.marks.empty() &&
            (next.offset < out.marks.back().offset || next.time < out.marks.back().time))
            break;
        out.marks.push_back(next);
    }
    return out;
}

std::uint64_t offset_since(std::span<const time_mark> marks, std::int64_t time)
{
    // Bytes between two marks were written between their times: those before the last mark that is not later
    // than `time` were written before it.
    const auto later = std::ranges::lower_bound(marks, time, {}, &time_mark::time);
    return later == marks.begin() ? 0 : std::prev(later)->offset;
}

std::uint64_t offset_until(std::span<const time_mark> marks, std::int64_t time)
{
    const auto later = std::ranges::upper_bound(marks, time, {}, &time_mark::time);
    return later == marks.end() ? UINT64_MAX : later->offset;
}

std::int64_t time_at(std::span<const time_mark> marks, std::uint64_t offset)
{
    const auto after = std::ranges::upper_bound(marks, offset, {}, &time_mark::offset);
    return after == marks.begin() ? 0 : std::prev(after)->time;
}

} // namespace procctl
