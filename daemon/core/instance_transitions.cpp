#include "daemon/core/instance_transitions.h"

#include <csignal>

namespace procctl {
namespace {

bool is_active(sub_state s) { return active_state_of(s) == active_state::active; }

bool is_inactive(sub_state s) { return s == sub_state::dead || s == sub_state::failed; }

// 0 means no limit, as with systemd's timeouts.
time_point limit(time_point start, duration d) { return d == duration::zero() ? never : later(start, d); }

} // namespace

bool transitions::is_start_outstanding() const
{
    return s_.state == sub_state::start && s_.main_serial != 0 && s_.main_pid == 0 &&
           s_.exec_main.code == exit_code_kind::never_ran;
}

void transitions::fail(service_result f)
{
    if (s_.result == service_result::success) s_.result = f;
}

void transitions::expire(time_limit limit)
{
    if (s_.result == service_result::success) s_.expired = limit;
}

// Changes the state and its timestamps, as systemd's unit_notify(); the deadlines belong to the state.
void transitions::set_state_silently(sub_state to)
{
    const sub_state from = s_.state;
    s_.deadline = never;
    if (to != sub_state::running) s_.runtime_deadline = never;
    if (from == to) return;
    s_.state = to;
    s_.state_change = now_.wall;
    if (is_inactive(from) && !is_inactive(to)) s_.inactive_exit = now_.wall;
    if (!is_inactive(from) && is_inactive(to)) s_.inactive_enter = now_.wall;
    if (!is_active(from) && is_active(to)) s_.active_enter = now_.wall;
    if (is_active(from) && !is_active(to)) s_.active_exit = now_.wall;
}

void transitions::announce()
{
    if (s_.announced == s_.state) return;
    out_.push_back(announce_state{s_.announced, s_.state});
    s_.announced = s_.state;
}

void transitions::set_state(sub_state to)
{
    set_state_silently(to);
    announce();
}

void transitions::finish(bool& job, job_kind kind, job_outcome outcome)
{
    if (!job) return;
    job = false;
    out_.push_back(finish_job{kind, outcome});
}

void transitions::finish_starts(job_outcome outcome)
{
    finish(s_.start_job, job_kind::start, outcome);
    finish(s_.restart_job, job_kind::restart, outcome);
}

void transitions::cancel_starts()
{
    s_.pending = pending_job::none;
    finish_starts(job_outcome::canceled);
}

void transitions::send(int signal, signal_scope scope) { out_.push_back(send_signal{signal, scope}); }

// unit_kill_context(): sends what belongs to the state, and says whether there is anything to wait for.
bool transitions::kill(sub_state state)
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

void transitions::enter_start()
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
    s_.expired = time_limit::none;
    s_.stop_requested = false;
    s_.invocation = new_invocation_;
    if (s_.flush_n_restarts) s_.n_restarts = 0;
    s_.flush_n_restarts = false;
    set_state_silently(sub_state::start);
    run_command(0);
}

// The start limit: nothing is started. A result that a run has left stays.
void transitions::enter_refused()
{
    fail(service_result::start_limit_hit);
    set_state(sub_state::failed);
    s_.flush_n_restarts = true;
    finish_starts(job_outcome::start_limit_hit);
}

void transitions::run_command(unsigned index)
{
    s_.command_index = index;
    s_.has_leftovers = false;
    s_.exec_main = {};
    s_.exec_main_failure = {};
    s_.exec_main_start = {};
    s_.exec_main_exit = {};
    s_.main_serial = ++s_.last_serial;
    s_.deadline = limit(now_.monotonic, program_->timeout_start);
    out_.push_back(start_main{index});
}

void transitions::enter_running(service_result f)
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

void transitions::enter_stop(service_result f)
{
    fail(f);
    enter_signal(sub_state::stop_sigterm, service_result::success);
}

void transitions::stop()
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
void transitions::leave_auto_restart()
{
    set_state(sub_state::dead);
    s_.flush_n_restarts = true;
}

void transitions::enter_signal(sub_state state, service_result f)
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

void transitions::enter_sigkill(sub_state state)
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

void transitions::enter_stop_post(service_result f)
{
    fail(f);
    enter_signal(sub_state::final_sigterm, service_result::success);
}

void transitions::process_is_gone(service_result f)
{
    if (s_.state == sub_state::stop_sigterm || s_.state == sub_state::stop_sigkill)
        enter_stop_post(f);
    else
        enter_dead(f, may_restart::yes);
}

void transitions::enter_dead(service_result f, may_restart allowed)
{
    fail(f);
    if (s_.main_pid != 0) { // kill_mode none, or it would not die: from now on its end means nothing
        s_.main_pid = 0;
        s_.main_serial = 0;
    }
    s_.last_decision = allowed == may_restart::no ? restart_reason::survivors
                       : s_.stop_requested        ? restart_reason::stop_requested
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

} // namespace procctl
