// The keys that say when a program is started again, and how long a start may take.
#include "daemon/core/program_keys_values.h"

#include <array>

namespace procctl::keys {
namespace {

void parse_restart(program_config& program, const config_value& value, key_errors& errors)
{
    using enum restart_mode;
    const std::array choices{no, always, on_success, on_failure, on_abnormal, on_abort, on_watchdog};
    if (const auto mode = read_choice(value, errors, choices)) program.restart = *mode;
}

config_value format_restart(const program_config& program)
{
    if (program.restart == default_restart(program.type)) return {};
    return config_value::scalar(std::string(to_text(program.restart)));
}

void parse_burst(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto n = read_integer(value, errors, 0, INT32_MAX))
        program.start_limit_burst = static_cast<unsigned>(*n);
}

config_value format_burst(const program_config& program)
{
    if (program.start_limit_burst == defaults().start_limit_burst) return {};
    return config_value::scalar(std::to_string(program.start_limit_burst));
}

// The items of a list are assignments, one after the other: they add up, and an empty one clears.
template <auto Field>
void parse_statuses(program_config& program, const config_value& value, key_errors& errors)
{
    exit_status_set set;
    for (const config_value* const item : read_items(value, errors))
        if (auto added = set.add(item->text); !added) errors.report(*item, added.error().message());
    program.*Field = set;
}

template <auto Field> config_value format_statuses(const program_config& program)
{
    return (program.*Field).empty() ? config_value{} : config_value::scalar((program.*Field).format());
}

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

constexpr std::string_view statuses =
    "exit codes (0 to 255, TEMPFAIL) and signals (SIGKILL), or a list of such";

constexpr auto rows = std::to_array<program_key>({
    {"restart", "Restart", key_kind::choice, "always (oneshot: no)",
     "no, always, on-success, on-failure, on-abnormal, on-abort, on-watchdog",
     "Which endings the program is started again after. A stop that was asked for never restarts it.",
     parse_restart, format_restart},
    {"restart_sec", "RestartSec", key_kind::time_span, "100ms", "a duration", "How long to wait before that.",
     parse_duration_key<&program_config::restart_sec>, format_duration_key<&program_config::restart_sec>},
    {"start_limit_interval_sec", "StartLimitIntervalSec", key_kind::time_span, "10s",
     "a duration, 0: no limit", "The window in which starts are counted, restarts and starts by hand alike.",
     parse_duration_key<&program_config::start_limit_interval>,
     format_duration_key<&program_config::start_limit_interval>},
    {"start_limit_burst", "StartLimitBurst", key_kind::integer, "5", "0 to 2147483647",
     "How many starts the window allows; 0: no limit. After that the program is failed until it is started "
     "by "
     "hand, outside the window or after reset-failed.",
     parse_burst, format_burst},
    {"success_exit_status", "SuccessExitStatus", key_kind::exit_statuses, "", statuses,
     "Endings that count as clean, besides exit 0 and, except for oneshot, SIGHUP, SIGINT, SIGTERM and "
     "SIGPIPE. A core dump is never clean.",
     parse_statuses<&program_config::success_exit_status>,
     format_statuses<&program_config::success_exit_status>},
    {"restart_prevent_exit_status", "RestartPreventExitStatus", key_kind::exit_statuses, "", statuses,
     "Endings of the main process after which it is never restarted.",
     parse_statuses<&program_config::restart_prevent_exit_status>,
     format_statuses<&program_config::restart_prevent_exit_status>},
    {"restart_force_exit_status", "RestartForceExitStatus", key_kind::exit_statuses, "", statuses,
     "Endings of the main process after which it is always restarted.",
     parse_statuses<&program_config::restart_force_exit_status>,
     format_statuses<&program_config::restart_force_exit_status>},
    {"remain_after_exit", "RemainAfterExit", key_kind::boolean, "no", "yes or no",
     "Whether the program counts as active after its processes have ended well.",
     parse_boolean<&program_config::remain_after_exit>, format_boolean<&program_config::remain_after_exit>},
    {"timeout_start_sec", "TimeoutStartSec", key_kind::time_span, "90s (oneshot: infinity)",
     "a duration, 0 or infinity: no limit", "How long a start may take before it is given up.",
     parse_timeout_start, format_timeout_start},
    {"timeout_stop_sec", "TimeoutStopSec", key_kind::time_span, "90s", "a duration, 0 or infinity: no limit",
     "How long to wait after `kill_signal` before `final_kill_signal` is sent.", parse_timeout_stop,
     format_duration_key<&program_config::timeout_stop>},
    {"timeout_sec", "TimeoutSec", key_kind::time_span, "", "a duration, 0 or infinity: no limit",
     "Sets `timeout_start_sec` and `timeout_stop_sec`; of these keys the one that stands later counts.",
     parse_timeout, never_written},
    {"runtime_max_sec", "RuntimeMaxSec", key_kind::time_span, "infinity", "a duration",
     "How long the program may run before it is stopped, with the result `timeout`. Without effect on "
     "oneshot.",
     parse_duration_key<&program_config::runtime_max>, format_duration_key<&program_config::runtime_max>},
});

} // namespace

restart_mode default_restart(service_type type)
{
    return type == service_type::oneshot ? restart_mode::no : restart_mode::always;
}

duration default_timeout_start(service_type type)
{
    return type == service_type::oneshot ? infinity : defaults().timeout_start;
}

std::span<const program_key> restart_rows() { return rows; }

} // namespace procctl::keys
