#include "daemon/core/instance_machine.h"

#include "daemon/core/instance_transitions.h"

#include <algorithm>

namespace procctl {

// The states, what each means and what ends it. This is service.c of systemd, without its control commands.
//
// dead           Down, and the last run ended well (or there was none). Only a request ends it.
// failed         Down, and `result` says what went wrong. Only a request ends it; reset-failed makes it dead.
// start          A start is under way. First the process is ordered (start_main) and does not exist yet;
//                that is not announced. Then a simple program is `running` as soon as there is a process,
//                whether or not it could execute its program; an exec program as soon as that was executed,
//                else it waits here for the end of the process; a oneshot stays until its last command has
//                ended. Limited by timeout_start.
// running        The main process lives. Ended by its exit, by a request, or by runtime_max.
// exited         remain_after_exit: the main process has ended well, and the program counts as active. Only
//                a request ends it.
// stop-sigterm   kill_signal has been sent. Awaits the end of the main process; when that is gone already,
//                of the others. Limited by timeout_stop.
// stop-sigkill   The same after final_kill_signal.
// final-sigterm  The stop proper is over (here systemd's ExecStopPost= would have run), but processes are
//                left: once more kill_signal. Awaits the end of them all. Limited by timeout_stop.
// final-sigkill  The same with final_kill_signal. What survives even that is given up: the instance has
//                failed, and is not restarted by itself, since it would run twice.
// auto-restart   Down, and the policy starts it again at the deadline. `start` and `restart` start it at
//                once, `stop` makes it dead.
//
// A state is entered by one of the enter_ functions (instance_transitions.h), which may pass on at once: a
// stop with nothing to wait for goes through to dead in one step. What passes is announced as if it had
// lasted, dead or failed before auto-restart included, since systemd shows it and people count by it.
//
// The first thing to go wrong in a run sets `result`; what follows does not change it.
//
// A request is never lost. A start or restart that comes while a stop is under way is remembered in `pending`
// and done once the instance is down; a stop takes such a plan back. A stop while a start has been ordered
// and there is no process yet takes the order back: main_serial changes, and what the order still brings
// means nothing any more.
namespace {

// A process that was never made counts as one that failed before its program, with the status it ended with.
constexpr int unknown_pid = -1;
spawn_failure failure_of(const process_end& end)
{
    return {end.code == exit_code_kind::exited ? end.status : 0, 0};
}

// What each event means in each state.
class stepper : private transitions {
public:
    using transitions::transitions;

    void operator()(const start_requested&)
    {
        switch (s_.state) {
        case sub_state::dead:
        case sub_state::failed:
            s_.start_job = true;
            enter_start();
            return;
        case sub_state::auto_restart:
            s_.start_job = true;
            leave_auto_restart();
            enter_start();
            return;
        case sub_state::start: s_.start_job = true; return;
        case sub_state::running:
        case sub_state::exited: out_.push_back(finish_job{job_kind::start, job_outcome::done}); return;
        case sub_state::stop_sigterm:
        case sub_state::stop_sigkill:
        case sub_state::final_sigterm:
        case sub_state::final_sigkill:
            s_.start_job = true;
            if (s_.pending == pending_job::none) s_.pending = pending_job::start;
            return;
        }
    }

    void operator()(const stop_requested&)
    {
        cancel_starts();
        s_.stop_job = true;
        stop();
    }

    void operator()(const restart_requested&)
    {
        // A start under way is overtaken; one that waits for the end of a stop will be done by this restart.
        if (s_.state == sub_state::start) finish(s_.start_job, job_kind::start, job_outcome::canceled);
        s_.restart_job = true;
        switch (s_.state) {
        case sub_state::dead:
        case sub_state::failed: enter_start(); return;
        case sub_state::auto_restart:
            leave_auto_restart();
            enter_start();
            return;
        case sub_state::start:
        case sub_state::running:
        case sub_state::exited:
        case sub_state::stop_sigterm:
        case sub_state::stop_sigkill:
        case sub_state::final_sigterm:
        case sub_state::final_sigkill:
            s_.pending = pending_job::restart; // first: it decides which signal is sent
            stop();
            return;
        }
    }

    void operator()(const reset_failed_requested&)
    {
        if (s_.state == sub_state::failed) set_state(sub_state::dead);
        s_.result = service_result::success;
        s_.expired = time_limit::none;
        s_.n_restarts = 0;
        s_.flush_n_restarts = false;
        s_.start_limit = {};
        s_.start_limit_refused = false;
    }

    // Whatever final_kill_signal and send_sigkill say: SIGKILL to all that is left. Only kill_mode none is
    // obeyed.
    void operator()(const hurry_requested&)
    {
        cancel_starts();
        switch (s_.state) {
        case sub_state::dead:
        case sub_state::failed: return;
        case sub_state::auto_restart: stop(); return;
        case sub_state::start:
        case sub_state::running:
        case sub_state::exited:
        case sub_state::stop_sigterm:
        case sub_state::stop_sigkill: enter_sigkill(sub_state::stop_sigkill); return;
        case sub_state::final_sigterm:
        case sub_state::final_sigkill: enter_sigkill(sub_state::final_sigkill); return;
        }
    }

    void operator()(const main_started& e)
    {
        if (!is_start_outstanding() || e.serial != s_.main_serial) return;
        s_.main_pid = e.pid;
        s_.exec_main_start = now_.wall;
        s_.exec_main_failure = e.failure;
        switch (program_->type) {
        case service_type::simple: enter_running(service_result::success); return;
        case service_type::exec:
            announce();
            if (e.failure == spawn_failure{}) enter_running(service_result::success);
            return;
        case service_type::oneshot: announce(); return;
        }
    }

    void operator()(const main_not_started& e)
    {
        if (!is_start_outstanding() || e.serial != s_.main_serial) return;
        enter_signal(sub_state::stop_sigterm, service_result::resources);
    }

    void operator()(const main_exited& e)
    {
        // An end without a beginning: the process that could not be made has lived for no time.
        if (is_start_outstanding()) (*this)(main_started{e.serial, unknown_pid, failure_of(e.end)});
        if (s_.main_pid == 0 || e.serial != s_.main_serial) return;
        s_.main_pid = 0;
        s_.has_leftovers = e.has_leftovers;
        s_.exec_main = e.end;
        s_.exec_main_exit = now_.wall;

        service_result f = result_of(
            e.end, program_->type == service_type::oneshot ? clean_signals::command : clean_signals::daemon,
            program_->success_exit_status);
        if (s_.command_index < program_->exec_start.size() &&
            program_->exec_start[s_.command_index].ignore_failure) {
            f = service_result::success;
            // With the prefix '-' a file that cannot be executed is skipped: it counts as exit 0.
            if (s_.exec_main_failure.exit_status == 203) s_.exec_main = {exit_code_kind::exited, 0};
        }
        fail(f);

        switch (s_.state) {
        case sub_state::start:
            if (program_->type != service_type::oneshot)
                enter_running(f);
            else if (f != service_result::success)
                enter_signal(sub_state::stop_sigterm, f);
            else if (s_.command_index + 1 < program_->exec_start.size())
                run_command(s_.command_index + 1);
            else
                enter_running(f);
            return;
        case sub_state::running: enter_running(f); return;
        case sub_state::stop_sigterm:
        case sub_state::stop_sigkill:
        case sub_state::final_sigterm:
        case sub_state::final_sigkill: process_is_gone(f); return;
        case sub_state::dead:
        case sub_state::failed:
        case sub_state::exited:
        case sub_state::auto_restart: return; // there is no main process in these
        }
    }

    void operator()(const leftovers_gone& e)
    {
        if (e.serial == 0 || e.serial != s_.main_serial || s_.main_pid != 0 || is_start_outstanding()) return;
        s_.has_leftovers = false;
        if (active_state_of(s_.state) == active_state::deactivating) process_is_gone(service_result::success);
    }

    void operator()(const time_passed&)
    {
        if (s_.state == sub_state::running) {
            if (now_.monotonic < s_.runtime_deadline) return;
            expire(time_limit::runtime);
            enter_stop(service_result::timeout);
            return;
        }
        if (now_.monotonic < s_.deadline) return;
        if (s_.state == sub_state::start) expire(time_limit::start);
        if (active_state_of(s_.state) == active_state::deactivating) expire(time_limit::stop);
        switch (s_.state) {
        case sub_state::start: enter_signal(sub_state::stop_sigterm, service_result::timeout); return;
        case sub_state::stop_sigterm:
            if (program_->send_sigkill)
                enter_signal(sub_state::stop_sigkill, service_result::timeout);
            else
                enter_stop_post(service_result::timeout);
            return;
        case sub_state::stop_sigkill: enter_stop_post(service_result::timeout); return;
        case sub_state::final_sigterm:
            if (program_->send_sigkill)
                enter_signal(sub_state::final_sigkill, service_result::timeout);
            else
                enter_dead(service_result::timeout, may_restart::no);
            return;
        case sub_state::final_sigkill: enter_dead(service_result::timeout, may_restart::no); return;
        case sub_state::auto_restart:
            ++s_.n_restarts;
            set_state(sub_state::dead);
            enter_start();
            return;
        case sub_state::dead:
        case sub_state::failed:
        case sub_state::running:
        case sub_state::exited: return; // these wait for no time
        }
    }
};

} // namespace

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
    return status.state == sub_state::dead || status.state == sub_state::failed;
}

time_point next_deadline(const instance_status& status)
{
    return std::min(status.deadline, status.runtime_deadline);
}

} // namespace procctl
