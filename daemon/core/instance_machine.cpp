#include "daemon/core/instance_machine.h"

#include <algorithm>

#include <signal.h>

namespace procctl {

// The states, what each means and what ends it. This is service.c of systemd, without its control commands.
//
// dead           Down, and the last run ended well (or there was none). Only a request ends it.
// failed         Down, and `result` says what went wrong. The same, and reset-failed makes it dead.
// start          A start is under way. First the process is ordered (start_main) and does not exist yet; that
//                is not announced. Then: a simple program is `running` as soon as there is a process, whether
//                or not it could execute its program; an exec program as soon as that was executed, else it
//                waits here for the end of the process; a oneshot stays until its last command has ended.
//                Limited by timeout_start.
// running        The main process lives. Ended by its exit, by a request, or by runtime_max.
// exited         remain_after_exit: the main process has ended well, and the program counts as active. Only a
//                request ends it.
// stop-sigterm   kill_signal has been sent. Awaits the end of the main process; when that is gone already, of
//                the others. Limited by timeout_stop.
// stop-sigkill   The same after final_kill_signal.
// final-sigterm  The stop proper is over (here systemd's ExecStopPost= would have run), but processes are
// left:
//                once more kill_signal. Awaits the end of them all. Limited by timeout_stop.
// final-sigkill  The same with final_kill_signal. What survives even that is given up: the instance has
// failed,
//                and is not restarted by itself, since it would run twice.
// auto-restart   Down, and the policy starts it again at the deadline. `start` and `restart` start it at
// once,
//                `stop` makes it dead.
//
// A state is entered by one of the enter_ functions, which may pass on at once: a stop with nothing to wait
// for goes through to dead in one step. What passes is announced as if it had lasted, dead or failed before
// auto-restart included, since systemd shows it and people count by it.
//
// The first thing to go wrong in a run sets `result`; what follows does not change it.
//
// A request is never lost. A start or restart that comes while a stop is under way is remembered in `pending`
// and done once the instance is down; a stop takes such a plan back. A stop while a start has been ordered
// and there is no process yet takes the order back: main_serial changes, and what the order still brings
// means nothing any more.
namespace {

bool is_stopping(sub_state s) { return active_state_of(s) == active_state::deactivating; }

bool is_inactive(sub_state s)
{
    const active_state a = active_state_of(s);
    return a == active_state::inactive || a == active_state::failed;
}

// 0 means no limit, as in systemd.
time_point limit(time_point start, duration d) { return d == duration::zero() ? never : later(start, d); }

// One step under way: the status that is being changed and the orders so far. The names of its functions are
// those of service.c.
class stepper {
public:
    stepper(const program_config& program, const program_config& next, instance_status& status,
            const instant& now, const invocation_id& new_invocation, std::vector<action>& actions)
        : program_(&program), next_(next), s_(status), now_(now), new_invocation_(new_invocation),
          out_(actions)
    {
    }

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
        if (is_start_outstanding()) (*this)(main_started{e.serial, unknown_pid, {e.end.status, 0}});
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
        if (is_stopping(s_.state)) process_is_gone(service_result::success);
    }

    void operator()(const time_passed&)
    {
        if (s_.state == sub_state::running) {
            if (now_.monotonic >= s_.runtime_deadline) enter_stop(service_result::timeout);
            return;
        }
        if (now_.monotonic < s_.deadline) return;
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
            s_.flush_n_restarts = false;
            set_state(sub_state::dead);
            enter_start();
            return;
        case sub_state::dead:
        case sub_state::failed:
        case sub_state::running:
        case sub_state::exited: return; // these wait for no time
        }
    }

private:
    enum class may_restart { yes, no };
    static constexpr int unknown_pid = -1;

    // A process has been ordered, and there is no answer yet.
    [[nodiscard]] bool is_start_outstanding() const
    {
        return s_.state == sub_state::start && s_.main_serial != 0 && s_.main_pid == 0 &&
               s_.exec_main.code == exit_code_kind::never_ran;
    }

    // The first thing to go wrong sets the result.
    void fail(service_result f)
    {
        if (s_.result == service_result::success) s_.result = f;
    }

    // Changes the state and its timestamps, as systemd's unit_notify(); the deadlines belong to the state.
    void set_state_silently(sub_state to)
    {
        const sub_state from = s_.state;
        s_.deadline = never;
        if (to != sub_state::running) s_.runtime_deadline = never;
        if (from == to) return;
        const auto is_active = [](sub_state s) { return active_state_of(s) == active_state::active; };
        s_.state = to;
        s_.state_change = now_.wall;
        if (is_inactive(from) && !is_inactive(to)) s_.inactive_exit = now_.wall;
        if (!is_inactive(from) && is_inactive(to)) s_.inactive_enter = now_.wall;
        if (!is_active(from) && is_active(to)) s_.active_enter = now_.wall;
        if (is_active(from) && !is_active(to)) s_.active_exit = now_.wall;
    }

    void announce()
    {
        if (s_.announced == s_.state) return;
        out_.push_back(announce_state{s_.announced, s_.state});
        s_.announced = s_.state;
    }

    void set_state(sub_state to)
    {
        set_state_silently(to);
        announce();
    }

    void finish(bool& job, job_kind kind, job_outcome outcome)
    {
        if (!job) return;
        job = false;
        out_.push_back(finish_job{kind, outcome});
    }

    void finish_starts(job_outcome outcome)
    {
        finish(s_.start_job, job_kind::start, outcome);
        finish(s_.restart_job, job_kind::restart, outcome);
    }

    void cancel_starts()
    {
        s_.pending = pending_job::none;
        finish_starts(job_outcome::canceled);
    }

    void send(int signal, signal_scope scope) { out_.push_back(send_signal{signal, scope}); }

    // unit_kill_context(): sends what belongs to the state, and says whether there is anything to wait for.
    bool kill(sub_state state)
    {
        if (program_->kill == kill_mode::none) return false;
        const bool is_last = state == sub_state::stop_sigkill || state == sub_state::final_sigkill;
        const bool reaches_others =
            program_->kill == kill_mode::control_group || (program_->kill == kill_mode::mixed && is_last);
        const bool has_main = s_.main_pid != 0;
        if (!has_main && !(reaches_others && s_.has_leftovers)) return false;

        const signal_scope scope = !has_main        ? signal_scope::others
                                   : reaches_others ? signal_scope::group
                                                    : signal_scope::main;
        const bool is_for_restart = s_.pending == pending_job::restart;
        int signal = program_->final_kill_signal;
        if (!is_last)
            signal = is_for_restart ? program_->restart_kill_signal.value_or(program_->kill_signal)
                                    : program_->kill_signal;
        send(signal, scope);
        if (signal != SIGKILL && signal != SIGCONT) send(SIGCONT, scope);
        // As systemd: not in the stop that is part of a restart job.
        if (program_->send_sighup && !is_last && !is_for_restart && signal != SIGHUP) send(SIGHUP, scope);
        return true;
    }

    void enter_start()
    {
        program_ = &next_;
        s_.pending = pending_job::none;
        if (!admit_start(s_.start_limit, program_->start_limit_interval, program_->start_limit_burst,
                         now_.monotonic)) {
            s_.start_limit_refused = true;
            enter_refused();
            return;
        }
        s_.start_limit_refused = false;
        s_.result = service_result::success;
        s_.stop_requested = false;
        s_.exec_main_exit = {};
        s_.invocation = new_invocation_;
        if (s_.flush_n_restarts) s_.n_restarts = 0;
        s_.flush_n_restarts = false;
        set_state_silently(sub_state::start);
        run_command(0);
    }

    // The start limit: nothing is started. A result that a run has left stays.
    void enter_refused()
    {
        fail(service_result::start_limit_hit);
        set_state(sub_state::failed);
        s_.flush_n_restarts = true;
        finish_starts(job_outcome::start_limit_hit);
    }

    void run_command(unsigned index)
    {
        s_.command_index = index;
        s_.has_leftovers = false;
        s_.exec_main = {};
        s_.exec_main_failure = {};
        s_.exec_main_start = {};
        s_.main_serial = ++s_.last_serial;
        s_.deadline = limit(now_.monotonic, program_->timeout_start);
        out_.push_back(start_main{index});
    }

    void enter_running(service_result f)
    {
        fail(f);
        if (s_.result != service_result::success) {
            enter_signal(sub_state::stop_sigterm, f);
            return;
        }
        if (s_.main_pid != 0) {
            set_state(sub_state::running);
            s_.runtime_deadline = limit(now_.monotonic, program_->runtime_max);
        } else if (program_->remain_after_exit) {
            set_state(sub_state::exited);
        } else {
            enter_stop(service_result::success);
            return;
        }
        finish_starts(job_outcome::done);
    }

    void enter_stop(service_result f)
    {
        fail(f);
        enter_signal(sub_state::stop_sigterm, service_result::success);
    }

    // A stop that was asked for, by anyone, in any state.
    void stop()
    {
        switch (s_.state) {
        case sub_state::dead:
        case sub_state::failed: finish(s_.stop_job, job_kind::stop, job_outcome::done); return;
        case sub_state::auto_restart:
            leave_auto_restart();
            s_.last_decision = restart_reason::stop_requested;
            finish(s_.stop_job, job_kind::stop, job_outcome::done);
            return;
        case sub_state::start:
        case sub_state::running:
        case sub_state::exited:
            s_.stop_requested = true;
            enter_signal(sub_state::stop_sigterm, service_result::success);
            return;
        case sub_state::stop_sigterm:
        case sub_state::stop_sigkill:
        case sub_state::final_sigterm:
        case sub_state::final_sigkill: s_.stop_requested = true; return;
        }
    }

    // The counter is shown until the next start, which is not an automatic one any more.
    void leave_auto_restart()
    {
        set_state(sub_state::dead);
        s_.flush_n_restarts = true;
    }

    void enter_signal(sub_state state, service_result f)
    {
        fail(f);
        if (is_start_outstanding()) s_.main_serial = 0; // the order is taken back
        if (kill(state)) {
            set_state(state);
            s_.deadline = limit(now_.monotonic, program_->timeout_stop);
            return;
        }
        switch (state) {
        case sub_state::stop_sigterm:
            if (program_->send_sigkill)
                enter_signal(sub_state::stop_sigkill, service_result::success);
            else
                enter_stop_post(service_result::success);
            return;
        case sub_state::stop_sigkill: enter_stop_post(service_result::success); return;
        case sub_state::final_sigterm:
            if (program_->send_sigkill)
                enter_signal(sub_state::final_sigkill, service_result::success);
            else
                enter_dead(service_result::success, may_restart::yes);
            return;
        case sub_state::final_sigkill: enter_dead(service_result::success, may_restart::yes); return;
        case sub_state::dead:
        case sub_state::start:
        case sub_state::running:
        case sub_state::exited:
        case sub_state::auto_restart:
        case sub_state::failed: return; // not a state that sends signals
        }
    }

    void enter_sigkill(sub_state state)
    {
        s_.stop_requested = true;
        if (is_start_outstanding()) s_.main_serial = 0;
        if (program_->kill == kill_mode::none || (s_.main_pid == 0 && !s_.has_leftovers)) {
            enter_signal(state, service_result::success);
            return;
        }
        send(SIGKILL, s_.main_pid != 0 ? signal_scope::group : signal_scope::others);
        set_state(state);
        s_.deadline = limit(now_.monotonic, program_->timeout_stop);
    }

    // Where ExecStopPost= belongs.
    void enter_stop_post(service_result f)
    {
        fail(f);
        enter_signal(sub_state::final_sigterm, service_result::success);
    }

    // In a stop, what was waited for has ended: the main process, or, without one, the others.
    void process_is_gone(service_result f)
    {
        if (s_.state == sub_state::stop_sigterm || s_.state == sub_state::stop_sigkill)
            enter_stop_post(f);
        else
            enter_dead(f, may_restart::yes);
    }

    void enter_dead(service_result f, may_restart allowed)
    {
        fail(f);
        if (s_.main_pid != 0) { // kill_mode none, or it would not die: from now on its end means nothing
            s_.main_pid = 0;
            s_.main_serial = 0;
        }
        s_.last_decision = s_.stop_requested            ? restart_reason::stop_requested
                           : allowed == may_restart::no ? restart_reason::survivors
                                                        : decide_restart(*program_, s_.result, s_.exec_main);
        const bool is_well = s_.result == service_result::success;
        set_state(is_well ? sub_state::dead : sub_state::failed);
        finish(s_.stop_job, job_kind::stop, job_outcome::done);
        if (s_.pending != pending_job::none) { // a request to start, which counts anew
            s_.flush_n_restarts = true;
            enter_start();
            return;
        }
        finish_starts(is_well ? job_outcome::done : job_outcome::failed);
        if (restarts(s_.last_decision)) {
            set_state(sub_state::auto_restart);
            s_.deadline = later(now_.monotonic, program_->restart_sec);
        } else {
            s_.flush_n_restarts = true;
        }
    }

    const program_config* program_;
    const program_config& next_;
    instance_status& s_;
    const instant& now_;
    const invocation_id& new_invocation_;
    std::vector<action>& out_;
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

bool is_down(const instance_status& status) { return is_inactive(status.state); }

time_point next_deadline(const instance_status& status)
{
    return std::min(status.deadline, status.runtime_deadline);
}

} // namespace procctl
