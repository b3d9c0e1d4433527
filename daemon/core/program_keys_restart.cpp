// The keys that say when a program is started again, and how often.
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

constexpr std::string_view statuses =
    "exit codes (0 to 255, TEMPFAIL) and signals (SIGKILL), or a list of such";

constexpr auto rows = std::to_array<program_key>({
    {"restart", "Restart", key_kind::choice, "always (oneshot: no)",
     "no, always, on-success, on-failure, on-abnormal, on-abort, on-watchdog",
     "Which endings the program is started again after: `on-failure` all but success, `on-abnormal` not "
     "after "
     "an exit status either, `on-abort` an unclean signal or core dump, `on-watchdog` the watchdog alone. A "
     "stop that was asked for never restarts it.",
     parse_restart, format_restart},
    {"restart_sec", "RestartSec", key_kind::time_span, "100ms", "a duration", "How long to wait before that.",
     parse_duration_key<&program_config::restart_sec>, format_duration_key<&program_config::restart_sec>},
    {"restart_steps", "RestartSteps", key_kind::integer, "0", "0 to 2147483647",
     "In how many steps the wait grows from `restart_sec` to `restart_max_delay_sec`, by the same factor "
     "each "
     "time; 0: it does not grow.",
     parse_number<&program_config::restart_steps, 0, INT32_MAX>,
     format_number<&program_config::restart_steps>},
    {"restart_max_delay_sec", "RestartMaxDelaySec", key_kind::time_span, "infinity", "a duration",
     "The longest wait that `restart_steps` lead to.", parse_duration_key<&program_config::restart_max_delay>,
     format_duration_key<&program_config::restart_max_delay>},
    {"restart_reset_sec", "", key_kind::time_span, "infinity", "a duration",
     "The growing wait starts again from `restart_sec` after the program has been up for so long; systemd "
     "never does that.",
     parse_duration_key<&program_config::restart_reset>, format_duration_key<&program_config::restart_reset>},
    {"start_limit_interval_sec", "StartLimitIntervalSec", key_kind::time_span, "10s",
     "a duration, 0: no limit", "The window in which starts are counted, restarts and starts by hand alike.",
     parse_duration_key<&program_config::start_limit_interval>,
     format_duration_key<&program_config::start_limit_interval>},
    {"start_limit_burst", "StartLimitBurst", key_kind::integer, "5", "0 to 2147483647",
     "How many starts the window allows; 0: no limit. After that the program is failed until it is started "
     "by "
     "hand, outside the window or after reset-failed.",
     parse_number<&program_config::start_limit_burst, 0, INT32_MAX>,
     format_number<&program_config::start_limit_burst>},
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
});

} // namespace

restart_mode default_restart(service_type type)
{
    return type == service_type::oneshot ? restart_mode::no : restart_mode::always;
}

std::span<const program_key> restart_rows() { return rows; }

} // namespace procctl::keys
