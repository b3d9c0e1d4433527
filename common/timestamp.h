// Points in time as people and logs write them: the grammar of systemd.time(7), and RFC 3339.
//
// Microseconds since the epoch, never negative. What names no zone is local time, as localtime(3) has it;
// nothing else is read from the outside.
#pragma once

#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace procctl {

// "2026-11-20 17:56:29", each part of it alone ("2026-11-20": its midnight; "17:56": today), with a fraction
// of a second, with the day of the week before it, with "UTC" after it, or as RFC 3339 has it; "now",
// "today", "yesterday", "tomorrow"; "-2h", "2h ago", "+5min", "5min left": by durations from `now`;
// "@1763661389". The error says what is allowed.
[[nodiscard]] result<std::int64_t> parse_timestamp(std::string_view text, std::int64_t now);

// A time at the beginning of a text: "2026-11-20T17:56:29.123456Z", also with a space for the 'T', with an
// offset ("+01:00", "+0100") for the 'Z', or without either: local time.
struct leading_time {
    std::int64_t time = 0;
    std::size_t size = 0; // of its text
};
[[nodiscard]] std::optional<leading_time> read_leading_time(std::string_view text);

// "2026-11-20T17:56:29.123456Z". The time is one that the functions above could have answered.
[[nodiscard]] std::string format_rfc3339(std::int64_t time);

} // namespace procctl
