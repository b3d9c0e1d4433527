// The keys that say how a program is stopped.
#include "daemon/core/program_keys_values.h"

#include <array>

namespace procctl::keys {
namespace {

config_value format_restart_kill_signal(const program_config& program)
{
    if (!program.restart_kill_signal) return {};
    return config_value::scalar(signal_name(*program.restart_kill_signal));
}

constexpr std::string_view signals = "a signal: SIGINT, INT, 2, SIGRTMIN+3";

constexpr auto rows = std::to_array<program_key>({
    {"kill_mode", "KillMode", key_kind::choice, "control-group", "control-group, mixed, process, none",
     "Who is signalled on a stop: `control-group` every process of the program, `mixed` the main process "
     "and then, when it has gone, SIGKILL to the rest, `process` the main process alone, `none` nobody. The "
     "processes of a program are those of its control group; where none can be made, those of its process "
     "group and its descendants as far as they can be found.",
     parse_choice<&program_config::kill, kill_mode::control_group, kill_mode::mixed, kill_mode::process,
                  kill_mode::none>,
     format_choice<&program_config::kill>},
    {"kill_signal", "KillSignal", key_kind::signal_number, "SIGTERM", signals,
     "The signal that asks the program to end.", parse_signal_key<&program_config::kill_signal>,
     format_signal_key<&program_config::kill_signal>},
    {"restart_kill_signal", "RestartKillSignal", key_kind::signal_number, "", signals,
     "The same for a restart that was asked for. Without the key: `kill_signal`.",
     parse_signal_key<&program_config::restart_kill_signal>, format_restart_kill_signal},
    {"final_kill_signal", "FinalKillSignal", key_kind::signal_number, "SIGKILL", signals,
     "The signal for what is still there after `timeout_stop_sec`.",
     parse_signal_key<&program_config::final_kill_signal>,
     format_signal_key<&program_config::final_kill_signal>},
    {"send_sigkill", "SendSIGKILL", key_kind::boolean, "yes", "yes or no",
     "Whether `final_kill_signal` is sent at all. Processes that survive the stop leave the program failed.",
     parse_boolean<&program_config::send_sigkill>, format_boolean<&program_config::send_sigkill>},
    {"send_sighup", "SendSIGHUP", key_kind::boolean, "no", "yes or no",
     "Whether SIGHUP follows `kill_signal`, as a shell expects it when its terminal goes.",
     parse_boolean<&program_config::send_sighup>, format_boolean<&program_config::send_sighup>},
});

} // namespace

std::span<const program_key> stop_rows() { return rows; }

} // namespace procctl::keys
