// Decides whether an instance whose run has ended is started again.
//
// Nothing here reads a clock, arms a timer or logs. The rules are those of systemd.service(5) as measured in
// tests/oracle/NOTES.md section 1: a stop request, then RestartPreventExitStatus, then
// RestartForceExitStatus, then Restart=.
#pragma once

#include "common/service_result.h"
#include "daemon/core/program_config.h"

#include <string_view>

namespace procctl {

// Why it is or is not started again: for the log, `status` and later `why`.
enum class restart_reason {
    stop_requested,      // never, whatever the policy says
    survivors,           // processes outlived even the last signal: never
    prevented_by_status, // restart_prevent_exit_status names how the main process ended
    forced_by_status,    // restart_force_exit_status does
    policy_restarts,
    policy_stays,
};

[[nodiscard]] constexpr bool restarts(restart_reason r)
{
    return r == restart_reason::forced_by_status || r == restart_reason::policy_restarts;
}

[[nodiscard]] restart_reason decide_restart(const program_config&, service_result, const process_end& main);

// Restart= alone: the table of NOTES.md section 1.
[[nodiscard]] bool policy_restarts(restart_mode, service_result);

[[nodiscard]] std::string_view to_text(restart_reason);

} // namespace procctl
