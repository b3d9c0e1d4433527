#include "daemon/control/explanation.h"

#include "daemon/control/explain_states.h"
#include "daemon/control/words.h"

namespace procctl {
namespace {

std::string explain_state(const instance& who, std::string_view note, const instant& now)
{
    switch (who.status.state) {
    case sub_state::dead:
    case sub_state::failed: return explain_down(who, note);
    case sub_state::auto_restart: return explain_auto_restart(who, note, now);
    case sub_state::condition:
    case sub_state::start_pre:
    case sub_state::start:
    case sub_state::start_post: return explain_start(who, now);
    case sub_state::running:
    case sub_state::exited:
    case sub_state::reload:
    case sub_state::reload_signal:
    case sub_state::reload_notify: return explain_up(who, now);
    case sub_state::stop:
    case sub_state::stop_watchdog:
    case sub_state::stop_sigterm:
    case sub_state::stop_sigkill:
    case sub_state::stop_post:
    case sub_state::final_watchdog:
    case sub_state::final_sigterm:
    case sub_state::final_sigkill: return explain_stop(who, now);
    }
    return {};
}

// The program runs on with whatever it has read before.
std::string failed_reload(const instance_status& s)
{
    switch (s.reload_result) {
    case service_result::success: return {}; // something else went wrong; the state tells
    case service_result::timeout:
        return "it did not answer, or exec_reload did not finish, within timeout_start_sec";
    case service_result::exit_code: return "exec_reload exited with a status that is no success";
    case service_result::signal:
    case service_result::core_dump: return "exec_reload was killed by a signal";
    default: return "the reload failed (" + std::string(to_text(s.reload_result)) + ')';
    }
}

} // namespace

std::string explain(const instance& who, std::string_view note, const instant& now)
{
    std::string text = explain_state(who, note, now);
    if (who.removed)
        text += ". It is gone from the configuration and will be forgotten once it is down";
    else if (who.next_program)
        text += ". Its configuration has changed; the new one counts from its next start";
    return text;
}

std::string explain_job(const instance& who, job_kind kind, job_outcome outcome, std::string_view note,
                        const instant& now)
{
    switch (outcome) {
    case job_outcome::canceled: return "another request overtook this one";
    case job_outcome::invalid: return who.name + " is not active, cannot reload";
    case job_outcome::unsupported: return who.name + " has no exec_reload and is not of type notify-reload";
    case job_outcome::assert_failed:
        return path_asserts((who.next_program ? *who.next_program : *who.program).config);
    case job_outcome::failed:
        if (kind == job_kind::reload)
            if (std::string why = failed_reload(who.status); !why.empty()) return why;
        break;
    case job_outcome::done:
    case job_outcome::start_limit_hit:
    case job_outcome::timeout: break;
    }
    return explain(who, note, now);
}

} // namespace procctl
