// Which lines of logs are asked for, and in what form: what a client says, beside whose logs it wants.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace procctl {

enum class log_output {
    raw,  // lines as they are kept
    json, // each an object
};

struct log_selection {
    std::optional<unsigned> lines = 10;  // the last ones, of each log; absent: all
    bool follow = false;                 // then what is added, until the client hangs up; not with `until`
    std::optional<std::int64_t> since{}; // µs since the epoch; lines of that time belong to it
    std::optional<std::int64_t> until{};
    std::string stream{};                 // "stdout" or "stderr"; empty: both
    std::optional<std::string> pattern{}; // an extended regular expression that a line has to match
    log_output output = log_output::raw;
    bool has_color = false; // names before lines are coloured, for a terminal; with log_output::raw

    friend bool operator==(const log_selection&, const log_selection&) = default;
};

} // namespace procctl
