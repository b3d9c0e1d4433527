#include "daemon/core/instance_transitions.h"

#include <cmath>
#include <csignal>
#include <utility>

namespace procctl {
namespace {

bool is_active(sub_state s)
{
    const active_state a = active_state_of(s);
    return a == active_state::active || a == active_state::reloading;
}

bool is_inactive(sub_state s) { return s == sub_state::dead || s == sub_state::failed; }

// 0 means no limit, as with systemd's timeouts.
time_point limit(time_point start, duration d) { return d == duration::zero() ? never : later(start, d); }

// systemd draws a random number here; a number mixed from the run's id (splitmix64) is as good, and makes the
// same run go the same way when it is told the same facts.
duration random_up_to(duration most, const invocation_id& id)
{
    std::uint64_t x = id.run + 0x9e3779b97f4a7c15U * (id.serial + 1);
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    x ^= x >> 31U;
    return duration(static_cast<duration::rep>(x % (static_cast<std::uint64_t>(most.count()) + 1)));
}

// A control command of a start is limited by timeout_start, one of a stop by timeout_stop.
duration limit_of(const program_config& program, exec_command which)
{
    return which == exec_command::stop || which == exec_command::stop_post ? program.timeout_stop
                                                                           : program.timeout_start;
}

} // namespace

duration restart_delay(const program_config& program, unsigned steps)
{
    const duration first = program.restart_sec;
    const duration most = program.restart_max_delay;
    if (steps == 0 || program.restart_steps == 0 || first == duration::zero() || most == infinity ||
        first >= most)
        return first;
    if (steps >= program.restart_steps) return most;
    const auto from = static_cast<long double>(first.count());
    const auto to = static_cast<long double>(most.count());
    const long double exponent = static_cast<long double>(steps) / program.restart_steps;
    return duration(static_cast<duration::rep>(from * std::pow(to / from, exponent)));
}

// --- What is there -----------------------------------------------------------------------------------------

bool transitions::is_good() const
{
    if (s_.main_pid != 0) return true;
    if (s_.is_main_known && program_->exit == exit_type::main) return false;
    return s_.has_others || has_control();
}

const command* transitions::control_command() const
{
    const auto& commands = commands_of(*program_, s_.control_command);
    return s_.control_index < commands.size() ? &commands[s_.control_index] : nullptr;
}

// --- The result --------------------------------------------------------------------------------------------

void transitions::fail(service_result f)
{
    if (s_.result == service_result::success) s_.result = f;
}

void transitions::expire(time_limit limit)
{
    if (s_.result != service_result::success) return;
    s_.expired = limit;
    if (s_.control_pid != 0) s_.culprit = {s_.control_command, s_.control_index, {}, {}};
}

void transitions::blame(const process_end& end)
{
    if (s_.result == service_result::success)
        s_.culprit = {s_.control_command, s_.control_index, end, s_.control_failure};
}

monitored_end end_of_run(const instance_status& status)
{
    return {{}, status.result, status.exec_main, status.invocation};
}

// What on_failure and on_success name is started; who that is, is the supervisor's business.
void transitions::trigger(bool has_failed)
{
    const auto& names = has_failed ? program_->on_failure : program_->on_success;
    if (!names.empty()) out_.push_back(trigger_others{has_failed, names, end_of_run(s_)});
}

void transitions::end_daemon(emergency_action wish, std::optional<int> exit_status)
{
    if (wish == emergency_action::none) return;
    // systemd's unit_exit_status(): a main process that did not exit counts as 255.
    const int of_main =
        s_.exec_main.code == exit_code_kind::exited ? s_.exec_main.status
        : s_.exec_main.code == exit_code_kind::never_ran && s_.result == service_result::success ? 0
                                                                                                 : 255;
    out_.push_back(exit_daemon{exit_status.value_or(of_main)});
}

// --- Jobs --------------------------------------------------------------------------------------------------

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
    if (!s_.reload_again) finish(s_.reload_job, job_kind::reload, outcome);
}

void transitions::cancel_starts()
{
    s_.pending = pending_job::none;
    s_.reload_again = false;
    finish_starts(job_outcome::canceled);
}

// --- States ------------------------------------------------------------------------------------------------

// Changes the state and its timestamps, as systemd's unit_notify(). The deadline belongs to the state.
void transitions::set_state_silently(sub_state to)
{
    const sub_state from = s_.state;
    s_.deadline = never;
    s_.state = to;
    if (!is_watched()) s_.watchdog_deadline = never;
    if (from == to) return;
    s_.state_change = now_.wall;
    if (is_inactive(from) && !is_inactive(to)) s_.inactive_exit = now_.wall;
    if (!is_inactive(from) && is_inactive(to)) s_.inactive_enter = now_.wall;
    if (!is_active(from) && is_active(to)) {
        s_.active_enter = now_.wall;
        s_.active_since = now_.monotonic;
    }
    if (is_active(from) && !is_active(to)) {
        s_.active_exit = now_.wall;
        if (now_.monotonic - s_.active_since >= program_->restart_reset) s_.delay_step = 0;
    }
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

bool transitions::is_watched() const { return s_.state == sub_state::start_post || is_active(s_.state); }

void transitions::start_watchdog()
{
    const duration usec = s_.watchdog_override.value_or(program_->watchdog);
    s_.watchdog_deadline = limit(now_.monotonic, usec);
}

// --- Processes ---------------------------------------------------------------------------------------------

void transitions::order_process(std::uint64_t serial, exec_command which, unsigned index)
{
    s_.last_serial = serial;
    s_.deadline = limit(now_.monotonic, limit_of(*program_, which));
    out_.push_back(start_process{serial, which, index});
}

void transitions::run_main(unsigned index)
{
    s_.main_index = index;
    s_.main_serial = s_.last_serial + 1;
    s_.is_main_known = false;
    s_.exec_main = {};
    s_.exec_main_failure = {};
    s_.exec_main_start = {};
    s_.exec_main_exit = {};
    order_process(s_.main_serial, exec_command::start, index);
}

// The state is announced when there is a process; while its list goes on, it stays.
void transitions::run_control(sub_state state, exec_command which, unsigned index)
{
    set_state_silently(state);
    s_.control_command = which;
    s_.control_index = index;
    s_.control_serial = s_.last_serial + 1;
    s_.control_pid = 0;
    s_.control_failure = {};
    order_process(s_.control_serial, which, index);
}

void transitions::seek_main(bool waits)
{
    s_.sought_serial = ++s_.last_serial;
    out_.push_back(find_main{s_.sought_serial, waits});
}

void transitions::set_main(const found_process& found)
{
    if (s_.main_pid != 0) s_.has_others = true; // the former one lives on
    s_.is_main_known = true;
    s_.is_main_alien = !found.is_child;
    s_.main_pid = found.pid;
    s_.main_serial = ++s_.last_serial;
    s_.exec_main = {};
    s_.exec_main_failure = {};
    s_.exec_main_start = now_.wall;
    s_.exec_main_exit = {};
    out_.push_back(watch_main{s_.main_serial, found});
}

// It may live on, as one of the others.
void transitions::forget_control()
{
    if (s_.control_pid != 0) s_.has_others = true;
    s_.control_pid = 0;
    s_.control_serial = 0;
}

void transitions::kill_control()
{
    if (s_.control_pid != 0) send(SIGKILL, signal_scope::control);
    forget_control();
}

// A process that has been ordered and does not exist yet is not to be made any more.
void transitions::withdraw_orders()
{
    if (is_main_ordered()) s_.main_serial = 0;
    if (s_.control_pid == 0) s_.control_serial = 0;
    s_.sought_serial = 0;
}

void transitions::send(int signal, signal_scope scope) { out_.push_back(send_signal{signal, scope}); }

// unit_kill_context(): sends what belongs to the state, and says whether there is anything to wait for.
bool transitions::kill(sub_state state)
{
    if (program_->kill == kill_mode::none) return false;
    const bool is_last = state == sub_state::stop_sigkill || state == sub_state::final_sigkill;
    const bool is_watchdog = state == sub_state::stop_watchdog || state == sub_state::final_watchdog;
    const bool reaches_others =
        program_->kill == kill_mode::control_group || (program_->kill == kill_mode::mixed && is_last);
    const bool has_known = s_.main_pid != 0 || s_.control_pid != 0;
    if (!has_known && !(reaches_others && s_.has_others)) return false;

    const bool is_for_restart = state == sub_state::stop_sigterm && s_.pending == pending_job::restart;
    const int signal = is_last          ? program_->final_kill_signal
                       : is_watchdog    ? program_->watchdog_signal
                       : is_for_restart ? program_->restart_kill_signal.value_or(program_->kill_signal)
                                        : program_->kill_signal;
    const signal_scope scope = reaches_others ? signal_scope::all : signal_scope::main_and_control;
    send(signal, scope);
    if (signal != SIGKILL && signal != SIGCONT) send(SIGCONT, scope);
    // As systemd: with kill_signal alone, so not in the stop that is part of a restart job.
    if (program_->send_sighup && !is_last && !is_watchdog && !is_for_restart && signal != SIGHUP)
        send(SIGHUP, scope);
    return true;
}

// --- Starting ----------------------------------------------------------------------------------------------

void transitions::begin_start(std::optional<monitored_end> monitored)
{
    if (next_.condition_path_exists.empty() && next_.assert_path_exists.empty())
        return enter_start(std::move(monitored));
    s_.monitored = std::move(monitored);
    s_.pending = pending_job::none;
    s_.check_serial = ++s_.last_serial;
    out_.push_back(check_conditions{s_.check_serial});
}

void transitions::enter_start(std::optional<monitored_end> monitored)
{
    program_ = &next_;
    s_.pending = pending_job::none;
    s_.condition_failed = false;
    if (!admit_start(s_.start_limit, program_->start_limit_interval, program_->start_limit_burst,
                     now_.monotonic)) {
        s_.start_limit_refused = true;
        return enter_refused();
    }
    s_.start_limit_refused = false;
    s_.result = service_result::success;
    s_.reload_result = service_result::success;
    s_.expired = time_limit::none;
    s_.culprit.reset();
    s_.stop_requested = false;
    s_.is_main_known = false;
    s_.is_main_alien = false;
    s_.main_index = 0;
    s_.exec_main = {};
    s_.exec_main_failure = {};
    s_.exec_main_start = {};
    s_.exec_main_exit = {};
    s_.notified = notify_state::unknown;
    s_.status_text.clear();
    s_.status_errno = 0;
    s_.notified_exit_status.reset();
    s_.watchdog_override.reset();
    s_.ignored_notifications = 0;
    s_.reload_begin = never;
    s_.reload_again = false;
    s_.invocation = new_invocation_;
    s_.monitored = std::move(monitored);
    if (s_.flush_n_restarts) s_.n_restarts = s_.delay_step = 0;
    s_.flush_n_restarts = false;
    enter_condition();
}

// The start limit: nothing is started. A result that a run has left stays; where that was no failure, because
// the last start was skipped, nothing has failed (oracle S18).
void transitions::enter_refused()
{
    fail(service_result::start_limit_hit);
    const bool was_failed = s_.state == sub_state::failed;
    const bool is_failed = s_.result != service_result::exec_condition;
    set_state(is_failed ? sub_state::failed : sub_state::dead);
    s_.flush_n_restarts = true;
    if (is_failed && !was_failed) trigger(true);
    finish_starts(is_failed ? job_outcome::start_limit_hit : job_outcome::done);
    end_daemon(program_->start_limit_action, program_->failure_action_exit_status);
}

void transitions::enter_condition()
{
    if (program_->exec_condition.empty()) return enter_start_pre();
    run_control(sub_state::condition, exec_command::condition, 0);
}

void transitions::enter_start_pre()
{
    if (program_->exec_start_pre.empty()) return enter_start_main();
    run_control(sub_state::start_pre, exec_command::start_pre, 0);
}

void transitions::enter_start_main()
{
    if (program_->type == service_type::forking) return run_control(sub_state::start, exec_command::start, 0);
    if (program_->exec_start.empty()) { // a oneshot that is there for what it does at its stop
        s_.is_main_known = true;
        set_state(sub_state::start);
        return enter_start_post();
    }
    set_state_silently(sub_state::start);
    run_main(0);
}

void transitions::enter_start_post()
{
    start_watchdog();
    if (program_->exec_start_post.empty()) return enter_running(service_result::success);
    run_control(sub_state::start_post, exec_command::start_post, 0);
}

void transitions::enter_running(service_result f)
{
    forget_control();
    fail(f);
    if (s_.result != service_result::success) return enter_signal(sub_state::stop_sigterm, f);
    if (!is_good()) {
        if (!program_->remain_after_exit) return enter_stop(service_result::success);
        set_state(sub_state::exited);
    } else if (s_.notified == notify_state::reloading) {
        return enter_reload_by_notify();
    } else if (s_.notified == notify_state::stopping) {
        return enter_stop_by_notify();
    } else {
        set_state(sub_state::running);
        s_.deadline = end_of_runtime();
    }
    finish_starts(job_outcome::done);
}

time_point transitions::end_of_runtime() const
{
    const time_point end = limit(s_.active_since, program_->runtime_max);
    const duration extra = program_->runtime_randomized_extra;
    if (end == never || extra == duration::zero() || extra == infinity) return end;
    return later(end, random_up_to(extra, s_.invocation));
}

// --- Reloading ---------------------------------------------------------------------------------------------

void transitions::enter_reload()
{
    s_.reload_result = service_result::success;
    s_.reload_again = false;
    const bool signals = program_->type == service_type::notify_reload && s_.main_pid != 0;
    if (signals) {
        // Only what the program says from here on is an answer to this.
        s_.reload_begin = now_.monotonic;
        send(program_->reload_signal, signal_scope::main);
        if (program_->reload_signal != SIGKILL && program_->reload_signal != SIGCONT)
            send(SIGCONT, signal_scope::main);
    }
    if (!program_->exec_reload.empty()) return run_control(sub_state::reload, exec_command::reload, 0);
    if (!signals) return leave_reload(service_result::success);
    set_state(sub_state::reload_signal);
    s_.deadline = limit(now_.monotonic, program_->timeout_start);
}

// The program reloads of its own accord. There is no limit to that, and that of runtime_max_sec waits until
// it is over (oracle N56; measured on systemd 252).
void transitions::enter_reload_by_notify()
{
    set_state(sub_state::reload);
    finish_starts(job_outcome::done);
}

void transitions::leave_reload(service_result f)
{
    s_.reload_result = f;
    s_.reload_begin = never;
    forget_control();
    s_.sought_serial = 0;
    if (f != service_result::success && !s_.reload_again)
        finish(s_.reload_job, job_kind::reload, job_outcome::failed);
    // Where the program is up yet, this is the end of the job; else it ends with the program.
    enter_running(service_result::success);
    if (s_.reload_again && (s_.state == sub_state::running || s_.state == sub_state::exited)) enter_reload();
}

// --- Stopping ----------------------------------------------------------------------------------------------

void transitions::enter_stop(service_result f)
{
    fail(f);
    forget_control();
    withdraw_orders();
    if (program_->exec_stop.empty()) return enter_signal(sub_state::stop_sigterm, service_result::success);
    run_control(sub_state::stop, exec_command::stop, 0);
}

// It has told us that it stops: that is as if it had been sent kill_signal.
void transitions::enter_stop_by_notify()
{
    set_state(sub_state::stop_sigterm);
    s_.deadline = limit(now_.monotonic, program_->timeout_stop);
}

void transitions::stop()
{
    switch (s_.state) {
    case sub_state::dead:
    case sub_state::failed:
        s_.check_serial = 0;
        finish(s_.stop_job, job_kind::stop, job_outcome::done);
        return;
    case sub_state::auto_restart:
        leave_auto_restart();
        s_.last_decision = restart_reason::stop_requested;
        trigger(false);
        finish(s_.stop_job, job_kind::stop, job_outcome::done);
        return;
    case sub_state::condition:
    case sub_state::start_pre:
    case sub_state::start:
    case sub_state::start_post:
    case sub_state::reload:
    case sub_state::reload_signal:
    case sub_state::reload_notify:
        s_.stop_requested = true;
        enter_signal(sub_state::stop_sigterm, service_result::success);
        return;
    case sub_state::running:
    case sub_state::exited:
        s_.stop_requested = true;
        enter_stop(service_result::success);
        return;
    case sub_state::stop:
    case sub_state::stop_watchdog:
    case sub_state::stop_sigterm:
    case sub_state::stop_sigkill:
    case sub_state::stop_post:
    case sub_state::final_watchdog:
    case sub_state::final_sigterm:
    case sub_state::final_sigkill: s_.stop_requested = true; return;
    }
}

void transitions::enter_signal(sub_state state, service_result f)
{
    fail(f);
    withdraw_orders();
    if (kill(state)) {
        set_state(state);
        const bool is_watchdog = state == sub_state::stop_watchdog || state == sub_state::final_watchdog;
        s_.deadline =
            is_watchdog && program_->timeout_abort
                ? later(now_.monotonic, *program_->timeout_abort) // 0: no time at all, as in systemd
                : limit(now_.monotonic, program_->timeout_stop);
        return;
    }
    switch (state) {
    case sub_state::stop_watchdog:
    case sub_state::stop_sigterm:
        if (program_->send_sigkill)
            enter_signal(sub_state::stop_sigkill, service_result::success);
        else
            enter_stop_post(service_result::success);
        return;
    case sub_state::stop_sigkill: enter_stop_post(service_result::success); return;
    case sub_state::final_watchdog:
    case sub_state::final_sigterm:
        if (program_->send_sigkill)
            enter_signal(sub_state::final_sigkill, service_result::success);
        else
            enter_dead(service_result::success, may_restart::yes);
        return;
    case sub_state::final_sigkill: enter_dead(service_result::success, may_restart::yes); return;
    case sub_state::dead:
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
    case sub_state::stop_post:
    case sub_state::auto_restart:
    case sub_state::failed: return; // not a state that sends signals
    }
}

void transitions::enter_failure_mode(timeout_failure_mode mode, bool is_final)
{
    constexpr service_result f = service_result::timeout;
    switch (mode) {
    case timeout_failure_mode::terminate:
        return enter_signal(is_final ? sub_state::final_sigterm : sub_state::stop_sigterm, f);
    case timeout_failure_mode::abort:
        return enter_signal(is_final ? sub_state::final_watchdog : sub_state::stop_watchdog, f);
    case timeout_failure_mode::kill: break;
    }
    if (program_->send_sigkill)
        enter_signal(is_final ? sub_state::final_sigkill : sub_state::stop_sigkill, f);
    else if (is_final)
        enter_dead(f, may_restart::no);
    else
        enter_stop_post(f);
}

void transitions::enter_hurried_kill(sub_state state)
{
    s_.stop_requested = true;
    withdraw_orders();
    const bool is_empty = s_.main_pid == 0 && s_.control_pid == 0 && !s_.has_others;
    if (program_->kill == kill_mode::none || is_empty) return enter_signal(state, service_result::success);
    send(SIGKILL, signal_scope::all);
    set_state(state);
    s_.deadline = limit(now_.monotonic, program_->timeout_stop);
}

void transitions::enter_stop_post(service_result f)
{
    fail(f);
    forget_control();
    withdraw_orders();
    if (program_->exec_stop_post.empty())
        return enter_signal(sub_state::final_sigterm, service_result::success);
    run_control(sub_state::stop_post, exec_command::stop_post, 0);
}

// --- The end -----------------------------------------------------------------------------------------------

void transitions::enter_dead(service_result f, may_restart allowed)
{
    fail(f);
    // kill_mode none, or they would not die: from now on they are others, and their ends mean nothing.
    if (s_.main_pid != 0) s_.has_others = true;
    s_.main_pid = 0;
    s_.main_serial = 0;
    s_.sought_serial = 0;
    forget_control();
    s_.last_decision = allowed == may_restart::no ? restart_reason::survivors
                       : s_.stop_requested        ? restart_reason::stop_requested
                                                  : decide_restart(*program_, s_.result, s_.exec_main);
    const bool is_well = s_.result == service_result::success || s_.result == service_result::exec_condition;
    set_state(is_well ? sub_state::dead : sub_state::failed);
    s_.last_run = {s_.result, s_.exec_main, now_.wall, s_.invocation, {}};
    finish(s_.stop_job, job_kind::stop, job_outcome::done);
    s_.reload_again = false;
    if (s_.pending != pending_job::none) { // a request to start, which counts anew
        trigger(!is_well);
        s_.flush_n_restarts = true;
        begin_start({});
        return;
    }
    finish_starts(is_well ? job_outcome::done : job_outcome::failed);
    if (restarts(s_.last_decision)) {
        set_state(sub_state::auto_restart);
        s_.deadline = later(now_.monotonic, restart_delay(*program_, s_.delay_step));
        return;
    }
    s_.flush_n_restarts = true;
    trigger(!is_well);
    if (is_well)
        end_daemon(program_->success_action, program_->success_action_exit_status);
    else
        end_daemon(program_->failure_action, program_->failure_action_exit_status);
}

// The counter is shown until the next start, which is not an automatic one any more.
void transitions::leave_auto_restart()
{
    set_state(sub_state::dead);
    s_.flush_n_restarts = true;
}

} // namespace procctl
