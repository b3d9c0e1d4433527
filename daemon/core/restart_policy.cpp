#include "daemon/core/restart_policy.h"

namespace procctl {

bool policy_restarts(restart_mode mode, service_result ended)
{
    using enum service_result;
    switch (mode) { // no default: the compiler names a mode that is missing
    case restart_mode::no: return false;
    case restart_mode::always: return ended != exec_condition;
    case restart_mode::on_success: return ended == success;
    case restart_mode::on_failure: return ended != success && ended != exec_condition;
    case restart_mode::on_abnormal: return ended != success && ended != exec_condition && ended != exit_code;
    case restart_mode::on_abort: return ended == signal || ended == core_dump;
    case restart_mode::on_watchdog: return ended == watchdog;
    }
    return false;
}

restart_reason decide_restart(const program_config& program, service_result ended, const process_end& main)
{
    // Both lists look at the main process alone, at whatever it last did: a timeout whose SIGTERM it died by
    // counts as SIGTERM here.
    if (program.restart_prevent_exit_status.contains(main)) return restart_reason::prevented_by_status;
    if (program.restart_force_exit_status.contains(main)) return restart_reason::forced_by_status;
    return policy_restarts(program.restart, ended) ? restart_reason::policy_restarts
                                                   : restart_reason::policy_stays;
}

std::string_view to_text(restart_reason reason)
{
    switch (reason) {
    case restart_reason::stop_requested: return "stop-requested";
    case restart_reason::survivors: return "survivors";
    case restart_reason::prevented_by_status: return "prevented-by-status";
    case restart_reason::forced_by_status: return "forced-by-status";
    case restart_reason::policy_restarts: return "policy-restarts";
    case restart_reason::policy_stays: return "policy-stays";
    }
    return {};
}

} // namespace procctl
