// The keys that limit how long a start, a stop or a run may take.
#include "daemon/core/program_keys_values.h"

#include <array>

namespace procctl::keys {
namespace {

// In systemd 0 switches a start or stop limit off: an old custom, kept for these.
duration zero_is_infinity(duration read) { return read == duration{} ? infinity : read; }

void parse_timeout_start(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto read = read_duration(value, errors)) program.timeout_start = zero_is_infinity(*read);
}

config_value format_timeout_start(const program_config& program)
{
    if (program.timeout_start == default_timeout_start(program.type)) return {};
    return config_value::scalar(format_duration(program.timeout_start));
}

void parse_timeout_stop(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto read = read_duration(value, errors)) program.timeout_stop = zero_is_infinity(*read);
}

void parse_timeout(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto read = read_duration(value, errors))
        program.timeout_start = program.timeout_stop = zero_is_infinity(*read);
}

config_value never_written(const program_config&) { return {}; } // the two keys that it sets are

// The custom of 0 is younger than this directive: 0 is no time at all.
void parse_timeout_abort(program_config& program, const config_value& value, key_errors& errors)
{
    if (value.type != config_value::kind::list && value.type != config_value::kind::map && is_empty(value))
        program.timeout_abort.reset();
    else if (const auto read = read_duration(value, errors))
        program.timeout_abort = *read;
}

config_value format_timeout_abort(const program_config& program)
{
    if (!program.timeout_abort) return {};
    return config_value::scalar(format_duration(*program.timeout_abort));
}

void parse_randomized_extra(program_config& program, const config_value& value, key_errors& errors)
{
    const auto read = read_duration(value, errors);
    if (!read) return;
    if (*read == infinity) return errors.report(value, "'infinity' is no time that one could be drawn from");
    program.runtime_randomized_extra = *read;
}

template <auto Field>
constexpr program_key mode_row(std::string_view name, std::string_view directive, std::string_view doc)
{
    using enum timeout_failure_mode;
    return {name,
            directive,
            key_kind::choice,
            "terminate",
            "terminate, abort, kill",
            doc,
            parse_choice<Field, terminate, abort, kill>,
            format_choice<Field>};
}

constexpr auto rows = std::to_array<program_key>({
    {"timeout_start_sec", "TimeoutStartSec", key_kind::time_span, "90s (oneshot: infinity)",
     "a duration, 0 or infinity: no limit", "How long a start may take before it is given up.",
     parse_timeout_start, format_timeout_start},
    {"timeout_stop_sec", "TimeoutStopSec", key_kind::time_span, "90s", "a duration, 0 or infinity: no limit",
     "How long each phase of a stop may take: `exec_stop`, the wait after `kill_signal` before "
     "`final_kill_signal` is sent, `exec_stop_post`.",
     parse_timeout_stop, format_duration_key<&program_config::timeout_stop>},
    {"timeout_abort_sec", "TimeoutAbortSec", key_kind::time_span, "",
     "a duration (infinity: no limit), or nothing",
     "How long to wait after `watchdog_signal`, which asks for a core file, before `final_kill_signal` is "
     "sent. Without the key: `timeout_stop_sec`.",
     parse_timeout_abort, format_timeout_abort},
    {"timeout_sec", "TimeoutSec", key_kind::time_span, "", "a duration, 0 or infinity: no limit",
     "Sets `timeout_start_sec` and `timeout_stop_sec`; of these keys the one that stands later counts.",
     parse_timeout, never_written},
    mode_row<&program_config::timeout_start_failure>(
        "timeout_start_failure_mode", "TimeoutStartFailureMode",
        "What a start that takes too long is ended with: `terminate` sends `kill_signal`, `abort` "
        "`watchdog_signal`, `kill` `final_kill_signal` at once."),
    mode_row<&program_config::timeout_stop_failure>(
        "timeout_stop_failure_mode", "TimeoutStopFailureMode",
        "The same for a stop; `terminate` goes on to `final_kill_signal` where `kill_signal` has been sent."),
    {"runtime_max_sec", "RuntimeMaxSec", key_kind::time_span, "infinity", "a duration",
     "How long the program may run before it is stopped, with the result `timeout`. Without effect on "
     "oneshot.",
     parse_duration_key<&program_config::runtime_max>, format_duration_key<&program_config::runtime_max>},
    {"runtime_randomized_extra_sec", "RuntimeRandomizedExtraSec", key_kind::time_span, "0",
     "a duration, not infinity",
     "A time from 0 to this, drawn anew in each run, is added to `runtime_max_sec`, so that instances do "
     "not all end at once.",
     parse_randomized_extra, format_duration_key<&program_config::runtime_randomized_extra>},
});

} // namespace

duration default_timeout_start(service_type type)
{
    return type == service_type::oneshot ? infinity : defaults().timeout_start;
}

std::span<const program_key> timeout_rows() { return rows; }

} // namespace procctl::keys
