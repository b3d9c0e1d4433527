#include "daemon/state_words.h"

#include "common/signal_name.h"
#include "daemon/control/ending.h"
#include "daemon/control/words.h"

namespace procctl {
namespace {

std::string process(int pid) { return pid > 0 ? ", process " + std::to_string(pid) : ""; }

std::string started(const instance& i)
{
    const instance_status& s = i.status;
    if (s.main_pid == 0) return "started; which process is its main one is not known";
    return "started, main process " + std::to_string(s.main_pid);
}

std::string runs_command(const instance& i)
{
    const instance_status& s = i.status;
    return "runs " + name_of(i.program->config, s.control_command, s.control_index) + process(s.control_pid);
}

// What begins with `start`, where that lasts.
state_words starting(const instance& i)
{
    const instance_status& s = i.status;
    switch (i.program->config.type) {
    case service_type::simple:
    case service_type::exec: return {};
    case service_type::oneshot:
        return {false, s.main_pid == 0 ? "" : "runs its command" + process(s.main_pid)};
    case service_type::forking: return {false, "runs its command" + process(s.control_pid)};
    case service_type::notify:
    case service_type::notify_reload: break;
    }
    // A process that could not become its program says so by its exit, which follows at once.
    if (s.exec_main_failure.exit_status != 0) return {};
    return {false, started(i) + "; waits for READY=1"};
}

state_words running(const instance& i, sub_state from)
{
    const instance_status& s = i.status;
    if (active_state_of(from) == active_state::reloading) {
        if (s.reload_result == service_result::success) return {false, "reloaded"};
        return {true, "the reload failed (" + std::string(to_text(s.reload_result)) + "); it runs on"};
    }
    if (s.exec_main_failure.exit_status != 0) return {};
    if (from == sub_state::start_post || !is_notify(i.program->config.type)) return {false, started(i)};
    return {false, "ready, main process " + std::to_string(s.main_pid)};
}

// Why a stop has begun, and whether somebody should look at it.
state_words cause_of_stop(const instance& i, sub_state from)
{
    const program_config& config = i.program->config;
    const instance_status& s = i.status;
    const bool is_end_of_main = s.main_pid == 0 && s.exec_main.code != exit_code_kind::never_ran;
    if (s.result == service_result::success) {
        if (s.stop_requested || s.pending != pending_job::none) return {false, "stopping"};
        if (is_end_of_main) return {false, "main process " + describe(s.exec_main)};
        if (s.notified == notify_state::stopping) return {false, "ends by itself (STOPPING=1)"};
        return {false, "stopping"};
    }
    const ending how = ending_of(config, s, {});
    const bool begins = active_state_of(from) != active_state::deactivating;
    if (how.has_subject) return {begins, how.text};
    return {begins, (is_end_of_main ? "main process " : "") + how.text};
}

// The signals of a stop: why, and which.
state_words signalling(const instance& i, sub_state from, int signal)
{
    const instance_status& s = i.status;
    state_words words = cause_of_stop(i, from);
    const bool sends_none = s.state == sub_state::stop_sigterm && s.notified == notify_state::stopping &&
                            !s.stop_requested && s.result == service_result::success && s.main_pid != 0;
    if (sends_none) return words;
    const bool is_first = words.text == "stopping";
    if (s.main_pid == 0 && s.control_pid == 0)
        words.text += "; stopping what it left behind";
    else if (!is_first)
        words.text += "; stopping";
    words.text += " with " + signal_name(signal);
    return words;
}

// The next signal, after one that was not heeded.
state_words insisting(const instance& i, sub_state from, int signal)
{
    const program_config& config = i.program->config;
    const instance_status& s = i.status;
    const std::string sending = "sending " + signal_name(signal);
    if (active_state_of(from) != active_state::deactivating) {
        const state_words why = cause_of_stop(i, from);
        return {true, (why.text == "stopping" ? "" : why.text + "; ") + sending};
    }
    const bool was_aborted = from == sub_state::stop_watchdog || from == sub_state::final_watchdog;
    const duration limit =
        was_aborted ? config.timeout_abort.value_or(config.timeout_stop) : config.timeout_stop;
    if (s.result != service_result::timeout) return {true, sending};
    return {true, "still there after " + format_duration(limit) + "; " + sending};
}

// How the run that is over went.
std::string ended(const instance& i)
{
    const program_config& config = i.program->config;
    const instance_status& s = i.status;
    if (s.start_limit_refused)
        return "start refused: started " + std::to_string(config.start_limit_burst) + " times in " +
               format_duration(config.start_limit_interval) +
               "; it stays down until reset-failed or a later start";
    if (s.last_decision == restart_reason::survivors)
        return "its processes would not end; they are left to themselves and not started again";
    const std::string how = ending_of(config, s, {}).text;
    const std::string advice = advice_on(config, s);
    return (how.empty() ? "ended before it ran" : how) + (advice.empty() ? "" : " (" + advice + ')');
}

state_words down(const instance& i, sub_state from)
{
    const instance_status& s = i.status;
    // The same step may have begun the next run, and with it forgotten how this one went.
    const bool has_begun_again =
        active_state_of(s.state) == active_state::activating && s.state != sub_state::auto_restart;
    if (has_begun_again || s.check_serial != 0)
        return from == sub_state::auto_restart ? state_words{} : state_words{false, "stopped, starts again"};
    if (from == sub_state::auto_restart)
        return s.last_decision == restart_reason::stop_requested
                   ? state_words{false, "stopped; the restart is off"}
                   : state_words{};
    if (s.result == service_result::success && s.exec_main.code == exit_code_kind::never_ran)
        return {false, s.stop_requested ? "stopped" : "ended"};
    return {false, s.stop_requested ? "stopped: " + ended(i) : ended(i)};
}

state_words restarting(const instance& i)
{
    const program_config& config = i.program->config;
    const bool is_forced = i.status.last_decision == restart_reason::forced_by_status;
    const duration delay = restart_delay(config, i.status.delay_step);
    const std::string when = delay == infinity ? "waits for a start" : "restarts in " + short_time(delay);
    return {false, when + (is_forced ? std::string(" (restart_force_exit_status)")
                                     : " (restart: " + std::string(to_text(config.restart)) + ')')};
}

} // namespace

state_words describe_change(const instance& i, sub_state from, sub_state to)
{
    const instance_status& s = i.status;
    const program_config& config = i.program->config;
    switch (to) {
    case sub_state::condition:
    case sub_state::start_pre:
    case sub_state::start_post: return {false, runs_command(i)};
    case sub_state::start: return starting(i);
    case sub_state::running: return running(i, from);
    case sub_state::exited:
        return {false, (s.exec_main.code == exit_code_kind::never_ran ? "done" : describe(s.exec_main)) +
                           "; counts as active (remain_after_exit)"};
    case sub_state::reload:
        return s.control_serial == 0 ? state_words{false, "reloads by itself (RELOADING=1)"}
                                     : state_words{false, "reloading; " + runs_command(i)};
    case sub_state::reload_signal:
        return from == sub_state::reload
                   ? state_words{}
                   : state_words{false, "reloading with " + signal_name(config.reload_signal)};
    case sub_state::reload_notify: return {};
    case sub_state::stop:
    case sub_state::stop_post: {
        const bool begins = active_state_of(from) != active_state::deactivating;
        if (to == sub_state::stop_post && !begins) return {false, runs_command(i)};
        state_words words = cause_of_stop(i, from);
        words.text += "; " + runs_command(i);
        return words;
    }
    case sub_state::stop_sigterm: {
        const bool is_for_restart = s.pending == pending_job::restart;
        return signalling(i, from,
                          is_for_restart ? config.restart_kill_signal.value_or(config.kill_signal)
                                         : config.kill_signal);
    }
    case sub_state::final_sigterm:
        if (s.main_pid != 0 || s.control_pid != 0) return {};
        return signalling(i, from, config.kill_signal);
    case sub_state::stop_watchdog:
    case sub_state::final_watchdog: return insisting(i, from, config.watchdog_signal);
    case sub_state::stop_sigkill:
    case sub_state::final_sigkill: return insisting(i, from, config.final_kill_signal);
    case sub_state::auto_restart: return restarting(i);
    case sub_state::dead: return down(i, from);
    case sub_state::failed: return {true, "failed (" + std::string(to_text(s.result)) + "): " + ended(i)};
    }
    return {};
}

} // namespace procctl
