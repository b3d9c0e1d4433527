// The keys about what a program says of itself: sd_notify(3), the watchdog, stored descriptors.
#include "daemon/core/program_keys_values.h"

#include <array>

namespace procctl::keys {
namespace {

// systemd arms no timer for infinity either.
void parse_watchdog(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto read = read_duration(value, errors))
        program.watchdog = *read == infinity ? duration{} : *read;
}

constexpr std::string_view signals = "a signal: SIGINT, INT, 2, SIGRTMIN+3";

constexpr auto rows = std::to_array<program_key>({
    {"notify_access", "NotifyAccess", key_kind::choice, "none", "none, main, exec, all",
     "Whose messages over `$NOTIFY_SOCKET` count: nobody's, those of the main process, of that and the "
     "processes of the `exec_` keys, or of every process of the program. With `type: notify` or "
     "`notify-reload`, `watchdog_sec` or `file_descriptor_store_max`, `none` means `main`.",
     parse_choice<&program_config::notify, notify_access::none, notify_access::main, notify_access::exec,
                  notify_access::all>,
     format_choice<&program_config::notify>},
    {"watchdog_sec", "WatchdogSec", key_kind::time_span, "0", "a duration, 0 or infinity: none",
     "How long the program may be silent, once it is up: it has to send WATCHDOG=1 more often "
     "(`$WATCHDOG_USEC` tells it), or it is ended by `watchdog_signal`, with the result `watchdog`.",
     parse_watchdog, format_duration_key<&program_config::watchdog>},
    {"watchdog_signal", "WatchdogSignal", key_kind::signal_number, "SIGABRT", signals,
     "The signal for a program that is silent, and for the modes `abort`.",
     parse_signal_key<&program_config::watchdog_signal>, format_signal_key<&program_config::watchdog_signal>},
    {"reload_signal", "ReloadSignal", key_kind::signal_number, "SIGHUP", signals,
     "The signal that asks a program of type `notify-reload` to reload; it answers RELOADING=1 with "
     "MONOTONIC_USEC, then READY=1.",
     parse_signal_key<&program_config::reload_signal>, format_signal_key<&program_config::reload_signal>},
    {"file_descriptor_store_max", "FileDescriptorStoreMax", key_kind::integer, "0", "0 to 4096",
     "How many descriptors the program may hand over with FDSTORE=1, to get them back at a restart "
     "(`$LISTEN_FDS`); 0: none.",
     parse_number<&program_config::file_descriptor_store_max, 0, 4096>,
     format_number<&program_config::file_descriptor_store_max>},
});

} // namespace

std::span<const program_key> notify_rows() { return rows; }

} // namespace procctl::keys
