#include "common/signal_name.h"
#include "daemon/control/ending.h"
#include "daemon/control/explain_states.h"
#include "daemon/control/words.h"

namespace procctl {
namespace {

// It has said STOPPING=1 and is left alone: no signal is sent until its time is up.
bool ends_by_itself(const instance_status& s)
{
    return s.state == sub_state::stop_sigterm && s.notified == notify_state::stopping && s.main_pid != 0 &&
           !s.stop_requested && s.pending == pending_job::none && s.result == service_result::success;
}

std::string cause(const program_config& config, const instance_status& s)
{
    if (s.pending != pending_job::none) return "restarting";
    if (s.stop_requested) return "stopping on request";
    if (ends_by_itself(s)) return "ending by itself, as it said with STOPPING=1";
    const bool runs_command = s.state == sub_state::stop || s.state == sub_state::stop_post;
    const bool is_to_end = s.main_pid != 0 || (s.control_pid != 0 && !runs_command);
    if (s.result != service_result::success && is_to_end) {
        if (s.expired == time_limit::runtime || s.expired == time_limit::stop ||
            s.expired == time_limit::abort)
            return "stopping because " + limit_text(config, s, s.expired) + " ran out";
        return "stopping because " + ending_of(config, s, {}).as_clause();
    }
    const ending how = ending_of(config, s, {});
    if (how.text.empty()) return "cleaning up";
    return "cleaning up after " + (how.has_subject ? how.text : "its main process " + how.text);
}

// The signal that a state of these has sent; 0: none.
int sent_in(const program_config& config, const instance_status& s)
{
    switch (s.state) {
    case sub_state::stop_sigterm:
        if (ends_by_itself(s)) return 0;
        return s.pending == pending_job::restart ? config.restart_kill_signal.value_or(config.kill_signal)
                                                 : config.kill_signal;
    case sub_state::final_sigterm: return config.kill_signal;
    case sub_state::stop_watchdog:
    case sub_state::final_watchdog: return config.watchdog_signal;
    case sub_state::stop_sigkill:
    case sub_state::final_sigkill: return config.final_kill_signal;
    default: return 0;
    }
}

// "SIGKILL follows in 5s unless …", by timeout_stop_failure_mode and send_sigkill.
std::string what_follows(const program_config& config, const instance_status& s, const instant& now)
{
    if (s.deadline == never) return {};
    const bool runs_command = s.state == sub_state::stop || s.state == sub_state::stop_post;
    const bool takes_mode = runs_command || s.state == sub_state::stop_sigterm;
    const std::string left = time_left(s.deadline, now);
    std::string next = config.send_sigkill ? signal_name(config.final_kill_signal) : "";
    if (takes_mode && config.timeout_stop_failure == timeout_failure_mode::abort)
        next = signal_name(config.watchdog_signal);
    else if (runs_command && config.timeout_stop_failure == timeout_failure_mode::terminate)
        next = signal_name(config.kill_signal);
    if (next.empty()) return "; it is given up in " + left + " unless it ends before";
    return "; " + next + " follows in " + left +
           (runs_command ? " unless that ends before" : " unless it ends before");
}

} // namespace

std::string explain_stop(const instance& who, const instant& now)
{
    const program_config& config = who.program->config;
    const instance_status& s = who.status;
    std::string text = cause(config, s);
    if (s.state == sub_state::stop || s.state == sub_state::stop_post)
        return text + ": " + name_of(config, s.control_command, s.control_index) + " is running" +
               what_follows(config, s, now);
    const bool is_last = s.state == sub_state::stop_sigkill || s.state == sub_state::final_sigkill;
    if (const int signal = sent_in(config, s); signal != 0) {
        const bool took_too_long =
            is_last && s.expired == time_limit::stop && (s.stop_requested || s.pending != pending_job::none);
        text += ": ";
        if (took_too_long) text += "it did not end within " + limit_text(config, s, s.expired) + ", so ";
        text += signal_name(signal) + " was sent";
        if (s.main_pid == 0 && s.control_pid == 0) text += " to the processes that are left";
    }
    return is_last ? text : text + what_follows(config, s, now);
}

} // namespace procctl
