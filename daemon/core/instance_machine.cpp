#include "daemon/core/instance_machine.h"

#include "common/log_settings.h"
#include "daemon/core/instance_stepper.h"

#include <algorithm>
#include <utility>

namespace procctl {

// The states, what each means and what ends it. This is service.c of systemd.
//
// dead           Down, and the last run ended well (or there was none, or it was skipped). Only a request
// ends
//                it; so does, after one, the look at its path conditions (check_conditions), during which the
//                state stays what it is.
// failed         Down, and `result` says what went wrong. Only a request ends it; reset-failed makes it dead.
// condition      exec_condition runs, one command after the other. One that says no (exit 1 to 254) ends the
//                start as skipped. Limited by timeout_start, like every state of a start, for each command
//                anew.
// start-pre      exec_start_pre runs. A command that fails fails the start.
// start          The main process has been started, and the program is not ready yet: a oneshot's commands
// run
//                one after the other, a notify program owes READY=1, an exec program could not execute its
//                file and will end, a forking program's parent (a control process) runs or, once it has
//                ended, its PID file is awaited. A simple program passes through.
// start-post     exec_start_post runs, beside the main process. From here on the watchdog is on.
// running        Up. Ended by the end of the main process (exit_type cgroup: of all), by a request, by
//                runtime_max, by the watchdog.
// exited         remain_after_exit: all that ran has ended well, and the program counts as active. Only a
//                request ends it.
// reload         exec_reload runs; or the program has said RELOADING=1 by itself and owes READY=1, without
//                limit. What goes wrong with a reload is told and leaves the program running.
// reload-signal  reload_signal was sent to a notify-reload program; RELOADING=1 is owed. Limited by
//                timeout_start, as is
// reload-notify  where it has said so and owes READY=1.
// stop           exec_stop runs, where the main process lives or has ended well. Limited by timeout_stop for
//                each command.
// stop-watchdog  watchdog_signal was sent, because the watchdog ran out or a timeout's failure mode is abort.
//                Awaits the end as stop-sigterm does. Limited by timeout_abort.
// stop-sigterm   kill_signal has been sent, or the program has said STOPPING=1. Awaits the end of the main
// and
//                the control process; without them, of the others. Limited by timeout_stop.
// stop-sigkill   The same after final_kill_signal.
// stop-post      exec_stop_post runs, whatever the run came to. Limited by timeout_stop for each command.
// final-watchdog
// final-sigterm  The stop proper is over, but processes are left: watchdog_signal where stop-post ran into
// its
//                limit with failure mode abort, else once more kill_signal. Await the end of them all.
//                Limited by timeout_abort and timeout_stop.
// final-sigkill  The same with final_kill_signal. What survives even that is given up: the instance has
//                failed, and is not restarted by itself, since it would run twice.
// auto-restart   Down, and the policy starts it again at the deadline. `start` and `restart` start it at
//                once, `stop` makes it dead.
//
// A state is entered by one of the enter_ functions (instance_transitions.h), which may pass on at once: a
// stop with nothing to wait for goes through to dead in one step. What passes is announced as if it had
// lasted, dead or failed before auto-restart included, since systemd shows it and people count by it. A state
// that begins with a process is announced when there is one.
//
// The first thing to go wrong in a run sets `result`; what follows does not change it.
//
// Two processes are known and waited for: the main one, and the control process, which runs one command of
// one of the lists. Of the others it is known whether there are any once these two have ended. Processes are
// named by serials: an order that is not wanted any more is taken back by forgetting its serial, and what it
// still brings means nothing.
//
// What a run wrote last belongs to its end, and is known a moment after it (output_ended). Nothing waits for
// it: the next run may have begun by then, and has no output in last_run until it has ended itself.
//
// A request is never lost. A start or restart that comes while a stop is under way is remembered in `pending`
// and done once the instance is down; a stop takes such a plan back.

void stepper::operator()(const start_requested& e)
{
    // A start that another instance's end sets off is nobody's request.
    const bool is_asked_for = !e.monitored.has_value();
    switch (s_.state) {
    case sub_state::dead:
    case sub_state::failed:
        s_.start_job = s_.start_job || is_asked_for;
        if (s_.check_serial == 0) begin_start(e.monitored);
        return;
    case sub_state::auto_restart:
        s_.start_job = s_.start_job || is_asked_for;
        leave_auto_restart();
        begin_start(e.monitored);
        return;
    case sub_state::condition:
    case sub_state::start_pre:
    case sub_state::start:
    case sub_state::start_post: s_.start_job = s_.start_job || is_asked_for; return;
    case sub_state::running:
    case sub_state::exited:
    case sub_state::reload:
    case sub_state::reload_signal:
    case sub_state::reload_notify:
        if (is_asked_for) out_.push_back(finish_job{job_kind::start, job_outcome::done});
        return;
    case sub_state::stop:
    case sub_state::stop_watchdog:
    case sub_state::stop_sigterm:
    case sub_state::stop_sigkill:
    case sub_state::stop_post:
    case sub_state::final_watchdog:
    case sub_state::final_sigterm:
    case sub_state::final_sigkill:
        s_.start_job = s_.start_job || is_asked_for;
        if (s_.pending == pending_job::none) s_.pending = pending_job::start;
        return;
    }
}

void stepper::operator()(const stop_requested&)
{
    cancel_starts();
    s_.stop_job = true;
    stop();
}

void stepper::operator()(const restart_requested&)
{
    // A start or a reload that is under way, or waits for the end of a stop, will be done by this restart.
    s_.restart_job = true;
    switch (s_.state) {
    case sub_state::dead:
    case sub_state::failed:
        if (s_.check_serial == 0) begin_start({});
        return;
    case sub_state::auto_restart:
        leave_auto_restart();
        trigger(false); // systemd passes through dead here, too
        begin_start({});
        return;
    case sub_state::condition:
    case sub_state::start_pre:
    case sub_state::start:
    case sub_state::start_post:
    case sub_state::running:
    case sub_state::exited:
    case sub_state::reload:
    case sub_state::reload_signal:
    case sub_state::reload_notify:
    case sub_state::stop:
    case sub_state::stop_watchdog:
    case sub_state::stop_sigterm:
    case sub_state::stop_sigkill:
    case sub_state::stop_post:
    case sub_state::final_watchdog:
    case sub_state::final_sigterm:
    case sub_state::final_sigkill:
        s_.pending = pending_job::restart; // first: it decides which signal is sent
        stop();
        return;
    }
}

void stepper::operator()(const reload_requested&)
{
    if (program_->exec_reload.empty() && program_->type != service_type::notify_reload) {
        out_.push_back(finish_job{job_kind::reload, job_outcome::unsupported});
        return;
    }
    switch (active_state_of(s_.state)) {
    case active_state::active:
        s_.reload_job = true;
        enter_reload();
        return;
    case active_state::reloading: // what the program reads now may be older than this request
        s_.reload_job = true;
        s_.reload_again = true;
        return;
    case active_state::activating: // the start that is under way reads what is there
        if (s_.state == sub_state::auto_restart) break;
        s_.reload_job = true;
        return;
    case active_state::inactive:
    case active_state::deactivating:
    case active_state::failed: break;
    }
    out_.push_back(finish_job{job_kind::reload, job_outcome::invalid});
}

void stepper::operator()(const reset_failed_requested&)
{
    if (s_.state == sub_state::failed) set_state(sub_state::dead);
    s_.result = service_result::success;
    s_.reload_result = service_result::success;
    s_.expired = time_limit::none;
    s_.culprit.reset();
    s_.n_restarts = 0;
    s_.delay_step = 0;
    s_.flush_n_restarts = false;
    s_.start_limit = {};
    s_.start_limit_refused = false;
    s_.condition_failed = false;
}

// Whatever final_kill_signal and send_sigkill say: SIGKILL to all that is left. Only kill_mode none is
// obeyed.
void stepper::operator()(const hurry_requested&)
{
    cancel_starts();
    switch (s_.state) {
    case sub_state::dead:
    case sub_state::failed: s_.check_serial = 0; return;
    case sub_state::auto_restart: stop(); return;
    case sub_state::condition:
    case sub_state::start_pre:
    case sub_state::start:
    case sub_state::start_post:
    case sub_state::running:
    case sub_state::exited:
    case sub_state::reload:
    case sub_state::reload_signal:
    case sub_state::reload_notify:
    case sub_state::stop:
    case sub_state::stop_watchdog:
    case sub_state::stop_sigterm:
    case sub_state::stop_sigkill: enter_hurried_kill(sub_state::stop_sigkill); return;
    case sub_state::stop_post:
    case sub_state::final_watchdog:
    case sub_state::final_sigterm:
    case sub_state::final_sigkill: enter_hurried_kill(sub_state::final_sigkill); return;
    }
}

void stepper::operator()(const conditions_checked& e)
{
    if (e.serial == 0 || e.serial != s_.check_serial) return;
    s_.check_serial = 0;
    if (!e.is_known) {
        program_ = &next_;
        s_.result = service_result::success;
        s_.exec_main = {};
        s_.stop_requested = false;
        s_.invocation = {}; // this is no run, and what the last one has written is not its output
        return enter_dead(service_result::resources, may_restart::yes);
    }
    if (e.condition_met && e.assert_met) return enter_start(std::exchange(s_.monitored, {}));
    s_.condition_failed = true;
    s_.flush_n_restarts = true;
    finish_starts(e.condition_met ? job_outcome::assert_failed : job_outcome::done);
}

void stepper::operator()(const output_ended& e)
{
    run_end& last = s_.last_run;
    if (e.run.serial == 0 || e.run != last.invocation) return;
    const std::size_t surplus =
        e.tail.size() - std::min<std::size_t>(e.tail.size(), log_settings::max_tail_size);
    last.output.assign(e.tail, surplus);
}

void stepper::operator()(const time_passed&)
{
    if (s_.watchdog_deadline <= now_.monotonic && s_.watchdog_deadline <= s_.deadline) {
        expire(time_limit::watchdog);
        enter_signal(sub_state::stop_watchdog, service_result::watchdog);
        return;
    }
    if (now_.monotonic < s_.deadline) return;
    constexpr service_result f = service_result::timeout;
    switch (s_.state) {
    case sub_state::condition:
    case sub_state::start_pre:
    case sub_state::start:
    case sub_state::start_post:
        expire(time_limit::start);
        enter_failure_mode(program_->timeout_start_failure, false);
        return;
    case sub_state::running:
        expire(time_limit::runtime);
        enter_stop(f);
        return;
    case sub_state::reload:
        kill_control();
        leave_reload(f);
        return;
    case sub_state::reload_signal:
    case sub_state::reload_notify:
        s_.notified = notify_state::unknown; // its READY=1 is not waited for any more
        leave_reload(f);
        return;
    case sub_state::stop:
        expire(time_limit::stop);
        enter_failure_mode(program_->timeout_stop_failure, false);
        return;
    case sub_state::stop_sigterm:
        expire(time_limit::stop);
        if (program_->timeout_stop_failure == timeout_failure_mode::abort)
            enter_signal(sub_state::stop_watchdog, f);
        else
            enter_failure_mode(timeout_failure_mode::kill, false);
        return;
    case sub_state::stop_watchdog:
        expire(time_limit::abort);
        enter_failure_mode(timeout_failure_mode::kill, false);
        return;
    case sub_state::stop_sigkill:
        expire(time_limit::stop);
        enter_stop_post(f);
        return;
    case sub_state::stop_post:
        expire(time_limit::stop);
        enter_failure_mode(program_->timeout_stop_failure, true);
        return;
    case sub_state::final_sigterm:
        expire(time_limit::stop);
        if (program_->timeout_stop_failure == timeout_failure_mode::abort)
            enter_signal(sub_state::final_watchdog, f);
        else
            enter_failure_mode(timeout_failure_mode::kill, true);
        return;
    case sub_state::final_watchdog:
        expire(time_limit::abort);
        enter_failure_mode(timeout_failure_mode::kill, true);
        return;
    case sub_state::final_sigkill:
        expire(time_limit::stop);
        enter_dead(f, may_restart::no);
        return;
    case sub_state::auto_restart:
        ++s_.n_restarts;
        ++s_.delay_step;
        set_state(sub_state::dead);
        begin_start({});
        return;
    case sub_state::dead:
    case sub_state::failed:
    case sub_state::exited: return; // these wait for no time
    }
}

void step(const program_config& program, const program_config& next, instance_status& status, const event& e,
          const instant& now, const invocation_id& new_invocation, std::vector<action>& actions)
{
    std::visit(stepper(program, next, status, now, new_invocation, actions), e);
}

step_result step(const program_config& program, const instance_status& status, const event& e,
                 const instant& now, const invocation_id& new_invocation)
{
    step_result result{status, {}};
    step(program, program, result.next, e, now, new_invocation, result.actions);
    return result;
}

bool is_down(const instance_status& status)
{
    return (status.state == sub_state::dead || status.state == sub_state::failed) && status.check_serial == 0;
}

time_point next_deadline(const instance_status& status)
{
    return std::min(status.deadline, status.watchdog_deadline);
}

} // namespace procctl
