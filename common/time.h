// Durations and points in time, in systemd's resolution (µs) and grammar.
//
// The clock has no now(): code that may not read a clock (daemon/core) cannot. daemon/os/clock reads it.
#pragma once

#include "common/result.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace procctl {

using duration = std::chrono::duration<std::int64_t, std::micro>;

// CLOCK_MONOTONIC, as a type. Deliberately without now().
struct monotonic_clock {
    using duration = procctl::duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<monotonic_clock>;
    static constexpr bool is_steady = true;
};

using time_point = monotonic_clock::time_point;
using wall_time = std::chrono::sys_time<duration>; // since the epoch; wall_time{} means never

inline constexpr duration infinity = duration::max();
inline constexpr time_point never = time_point::max();

// What the core is told of the time: both clocks, read at the same moment.
struct instant {
    time_point monotonic;
    wall_time wall;
};

// t + d, where infinity leads to never and nothing overflows.
[[nodiscard]] constexpr time_point later(time_point t, duration d)
{
    if (d == infinity || t == never || t.time_since_epoch() > infinity - d) return never;
    return t + d;
}

// systemd.time(7): "5s", "1min 30s", "500ms", "1.5h"; a number without a unit counts plain_unit; "infinity".
// Errors: empty, unknown unit, negative, overflow; the sentence names the part that is wrong.
[[nodiscard]] result<duration> parse_duration(std::string_view text,
                                              duration plain_unit = std::chrono::seconds(1));

// The shortest exact spelling systemd would use: "1min 30s", "100ms", "infinity", "0".
[[nodiscard]] std::string format_duration(duration);

} // namespace procctl
