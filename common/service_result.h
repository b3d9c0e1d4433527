// systemd's service results: the one word that says how the last run of an instance went.
#pragma once

#include "common/exit_status.h"

#include <optional>
#include <string_view>

namespace procctl {

enum class service_result {
    success,
    protocol,        // it did not do what its type asks for: no READY=1, no usable PID file
    resources,       // nothing could be forked: an environment file is missing, no memory, no descriptors
    timeout,         // a start, stop or runtime limit ran out, however the process then ended
    exit_code,       // an exit status that does not count as clean
    signal,          // an unclean signal
    core_dump,       // the same, and a core file was written
    watchdog,        // the watchdog ran out, or was triggered, however the process then ended
    exec_condition,  // an exec_condition said no: the start was skipped
    start_limit_hit, // started too often; only where the result was success until then
};

// "exit-code", "start-limit-hit": as systemctl show spells Result.
[[nodiscard]] std::string_view to_text(service_result);
[[nodiscard]] std::optional<service_result> parse_service_result(std::string_view);

// Which signals count as a clean end besides exit 0: SIGHUP, SIGINT, SIGTERM and SIGPIPE do for a
// long-running program, none does for a command (a oneshot). systemd's EXIT_CLEAN_DAEMON, EXIT_CLEAN_COMMAND.
enum class clean_signals { daemon, command };

// The result that this ending alone stands for. `success_status` adds codes and signals (not core dumps) that
// are clean.
[[nodiscard]] service_result result_of(const process_end&, clean_signals,
                                       const exit_status_set& success_status);

} // namespace procctl
