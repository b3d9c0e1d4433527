#include "common/signal_name.h"
#include "daemon/control/explain_states.h"
#include "daemon/control/words.h"
#include "daemon/core/utf8.h"

namespace procctl {
namespace {

// What it says of itself, what keeps it up, and where it came from.
std::string running(const instance& who)
{
    const program_config& config = who.program->config;
    const instance_status& s = who.status;
    std::string text = "running";
    if (!s.status_text.empty()) text += ": \"" + shortened(s.status_text) + '"';
    if (s.main_pid == 0 && s.is_main_known)
        text += "; its main process " + was(s.exec_main) +
                ", and it runs on while others of its processes do" +
                (config.exit == exit_type::cgroup ? " (exit_type: cgroup)" : "");
    else if (s.main_pid == 0)
        text +=
            "; which process is its main one is not known, so it runs as long as any of its processes does";
    if (s.monitored)
        text += "; started because " + s.monitored->unit +
                (s.monitored->result == service_result::success ? " has ended well" : " has failed");
    if (s.n_restarts != 0)
        text += "; started again " +
                (s.n_restarts == 1 ? std::string("once") : std::to_string(s.n_restarts) + " times") +
                " by its restart policy";
    if (s.n_restarts != 0 && s.last_run.result != service_result::success)
        text += " (the run before: " + std::string(to_text(s.last_run.result)) + ')';
    if (s.reload_result != service_result::success)
        text += "; its last reload failed (" + std::string(to_text(s.reload_result)) + ')';
    return text;
}

std::string watchdog(const instance& who, const instant& now)
{
    const instance_status& s = who.status;
    if (s.watchdog_deadline == never) return {};
    return "; its watchdog waits for WATCHDOG=1, " + time_left(s.watchdog_deadline, now) + " more";
}

std::string runtime_limit(const instance& who, const instant& now)
{
    const instance_status& s = who.status;
    if (s.deadline == never) return {};
    return "; " + limit_text(who.program->config, s, time_limit::runtime) + " stops it in " +
           time_left(s.deadline, now);
}

std::string reloading(const instance& who, const instant& now)
{
    const program_config& config = who.program->config;
    const instance_status& s = who.status;
    std::string text = "reloading: ";
    if (s.state == sub_state::reload_signal)
        text += signal_name(config.reload_signal) + " was sent, and it has yet to answer RELOADING=1";
    else if (s.state == sub_state::reload_notify)
        text += "it has answered RELOADING=1, and READY=1 has yet to come";
    else if (s.control_serial != 0)
        text += name_of(config, s.control_command, s.control_index) + " is running";
    else // no limit holds for this, so that what deadline there is is runtime_max_sec's
        return text + "it said RELOADING=1 by itself, and READY=1 ends that" + runtime_limit(who, now);
    if (s.deadline != never) text += "; timeout_start_sec leaves it " + time_left(s.deadline, now);
    if (s.reload_again) text += "; another reload follows";
    return text;
}

} // namespace

std::string explain_up(const instance& who, const instant& now)
{
    switch (who.status.state) {
    case sub_state::running: return running(who) + watchdog(who, now) + runtime_limit(who, now);
    case sub_state::exited: return "finished well, and counts as active because of remain_after_exit";
    default: return reloading(who, now) + watchdog(who, now);
    }
}

} // namespace procctl
