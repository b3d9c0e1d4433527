// The beginning and the end of processes, and the search for the main process of a forking program.
#include "daemon/core/instance_stepper.h"

namespace procctl {
namespace {

// A process that was never made counts as one that failed before its program, with the status it ended with.
constexpr int unknown_pid = -1;
spawn_failure failure_of(const process_end& end)
{
    return {end.code == exit_code_kind::exited ? end.status : 0, 0};
}

} // namespace

void stepper::operator()(const process_started& e)
{
    if (is_main_ordered() && e.serial == s_.main_serial) return main_started(e);
    if (e.serial == s_.main_serial || (e.serial == s_.control_serial && s_.control_pid != 0)) return;
    if (e.serial == 0 || e.serial > s_.last_serial) return;
    if (e.serial != s_.control_serial) { // between two turns of the pump its order was taken back
        s_.has_others = true;
        out_.push_back(end_process{e.serial});
        return;
    }
    s_.control_pid = e.pid;
    s_.control_failure = e.failure;
    announce();
}

void stepper::operator()(const process_not_started& e)
{
    constexpr service_result f = service_result::resources;
    if (is_main_ordered() && e.serial == s_.main_serial) {
        if (s_.main_index == 0)
            enter_signal(sub_state::stop_sigterm, f);
        else
            enter_stop(f);
        return;
    }
    if (!has_control() || s_.control_pid != 0 || e.serial != s_.control_serial) return;
    s_.control_serial = 0;
    const bool is_first = s_.control_index == 0;
    if (s_.state != sub_state::reload) blame({});
    switch (s_.state) {
    case sub_state::condition:
    case sub_state::start_pre:
        if (is_first)
            enter_dead(f, may_restart::yes);
        else
            enter_signal(sub_state::stop_sigterm, f);
        return;
    case sub_state::start:
    case sub_state::stop: enter_signal(sub_state::stop_sigterm, f); return;
    case sub_state::start_post:
        if (is_first)
            enter_stop(f);
        else
            enter_signal(sub_state::stop_sigterm, f);
        return;
    case sub_state::reload: leave_reload(f); return;
    case sub_state::stop_post: enter_signal(sub_state::final_sigterm, f); return;
    case sub_state::dead:
    case sub_state::running:
    case sub_state::exited:
    case sub_state::reload_signal:
    case sub_state::reload_notify:
    case sub_state::stop_watchdog:
    case sub_state::stop_sigterm:
    case sub_state::stop_sigkill:
    case sub_state::final_watchdog:
    case sub_state::final_sigterm:
    case sub_state::final_sigkill:
    case sub_state::auto_restart:
    case sub_state::failed: return; // no control process is ordered in these
    }
}

void stepper::operator()(const process_exited& e)
{
    if (e.serial == 0) return;
    // An end without a beginning: the process that could not be made has lived for no time.
    const bool is_ordered = (is_main_ordered() && e.serial == s_.main_serial) ||
                            (s_.control_pid == 0 && e.serial == s_.control_serial);
    if (is_ordered) (*this)(process_started{e.serial, unknown_pid, failure_of(e.end)});
    if (e.serial == s_.control_serial)
        control_exited(e);
    else if (e.serial == s_.main_serial)
        main_exited(e);
    else if (!e.has_others) // one that was let go, and the last
        (*this)(processes_gone{});
}

void stepper::operator()(const processes_gone&)
{
    s_.has_others = false;
    if (s_.main_serial != 0 || has_control()) return; // their own ends say more
    switch (s_.state) {
    case sub_state::start:
        if (is_notify(program_->type) && s_.is_main_known) // nobody is left to say READY=1
            enter_stop_post(service_result::protocol);
        else if (s_.sought_serial != 0 && !program_->pid_file.empty()) // nobody will write the file
            enter_stop_post(service_result::protocol);
        else if (program_->exit == exit_type::cgroup && s_.sought_serial == 0)
            enter_start_post();
        return;
    case sub_state::start_post:
        if (s_.sought_serial != 0 && !program_->pid_file.empty()) enter_stop(service_result::protocol);
        return;
    case sub_state::running: enter_running(service_result::success); return;
    case sub_state::reload:
    case sub_state::reload_signal:
    case sub_state::reload_notify: // nobody is left to say READY=1
        if (s_.sought_serial == 0) enter_stop(service_result::success);
        return;
    case sub_state::stop_watchdog:
    case sub_state::stop_sigterm:
    case sub_state::stop_sigkill: enter_stop_post(service_result::success); return;
    case sub_state::stop_post:
    case sub_state::final_watchdog:
    case sub_state::final_sigterm:
    case sub_state::final_sigkill: enter_dead(service_result::success, may_restart::yes); return;
    case sub_state::dead:
    case sub_state::condition:
    case sub_state::start_pre:
    case sub_state::exited:
    case sub_state::stop:
    case sub_state::auto_restart:
    case sub_state::failed: return; // these wait for something else
    }
}

void stepper::operator()(const main_found& e)
{
    if (e.serial == 0 || e.serial != s_.sought_serial) return;
    s_.sought_serial = 0;
    const bool is_usable = !is_control(e.process);
    if (is_usable && (!s_.is_main_known || e.process.pid != s_.main_pid)) set_main(e.process);
    go_on_after_search(is_usable);
}

void stepper::operator()(const main_not_found& e)
{
    if (e.serial == 0 || e.serial != s_.sought_serial) return;
    s_.sought_serial = 0;
    go_on_after_search(false);
}

// Forking programs may move to another process, as long as their PID file says so before the old one
// ends.
void stepper::operator()(const main_moved& e)
{
    if (s_.main_pid != 0 && e.process.pid != s_.main_pid && !is_control(e.process)) set_main(e.process);
}

void stepper::main_started(const process_started& e)
{
    s_.main_pid = e.pid;
    s_.is_main_known = true;
    s_.is_main_alien = false;
    s_.exec_main_start = now_.wall;
    s_.exec_main_failure = e.failure;
    switch (program_->type) {
    case service_type::simple: enter_start_post(); return;
    case service_type::exec:
        announce();
        if (e.failure == spawn_failure{}) enter_start_post();
        return;
    case service_type::oneshot:
    case service_type::notify:
    case service_type::notify_reload:
    case service_type::forking: announce(); return;
    }
}

void stepper::main_exited(const process_exited& e)
{
    s_.main_pid = 0;
    s_.main_serial = 0;
    s_.has_others = e.has_others;
    s_.exec_main = e.end;
    s_.exec_main_exit = now_.wall;

    const bool is_oneshot = program_->type == service_type::oneshot;
    service_result f = e.end.code == exit_code_kind::never_ran
                           ? service_result::success // nobody knows; nothing is held against it
                           : result_of(e.end, is_oneshot ? clean_signals::command : clean_signals::daemon,
                                       program_->success_exit_status);
    // Of a forking program the '-' before its command counts for what the command has left behind, too.
    if (s_.main_index < program_->exec_start.size() && program_->exec_start[s_.main_index].ignore_failure) {
        f = service_result::success;
        // With the prefix '-' a file that cannot be executed is skipped: it counts as exit 0.
        if (s_.exec_main_failure.exit_status == 203) s_.exec_main = {exit_code_kind::exited, 0};
    }
    fail(f);

    if (is_oneshot && s_.state == sub_state::start && f == service_result::success &&
        s_.main_index + 1 < program_->exec_start.size())
        return run_main(s_.main_index + 1);
    if (program_->exit == exit_type::cgroup && s_.has_others) {
        // A notify program still owes READY=1, which another process of it may say.
        if (s_.state == sub_state::start && !has_control() && !is_notify(program_->type))
            f == service_result::success ? enter_start_post() : enter_running(f);
        return;
    }
    switch (s_.state) {
    case sub_state::start:
        if (is_oneshot) {
            if (f == service_result::success)
                enter_start_post();
            else
                enter_signal(sub_state::stop_sigterm, f);
        } else if (is_notify(program_->type)) {
            // Only READY=1 makes it run. Another process of it may still say that where it is admitted
            // and the program counts as active without its main process.
            if (f != service_result::success)
                enter_signal(sub_state::stop_sigterm, f);
            else if (!program_->remain_after_exit || !s_.has_others ||
                     effective_notify_access(*program_) == notify_access::main)
                enter_signal(sub_state::stop_sigterm, service_result::protocol);
        } else {
            enter_running(f);
        }
        return;
    case sub_state::running: enter_running(f); return;
    case sub_state::start_post:
    case sub_state::reload:
    case sub_state::reload_signal:
    case sub_state::reload_notify:
        if (!has_control()) enter_stop(f); // else that one is waited for
        return;
    case sub_state::stop: return; // its commands go on
    case sub_state::stop_watchdog:
    case sub_state::stop_sigterm:
    case sub_state::stop_sigkill:
        if (!has_control()) enter_stop_post(f);
        return;
    case sub_state::stop_post:
        if (!has_control()) enter_signal(sub_state::final_sigterm, f);
        return;
    case sub_state::final_watchdog:
    case sub_state::final_sigterm:
    case sub_state::final_sigkill:
        if (!has_control()) enter_dead(f, may_restart::yes);
        return;
    case sub_state::dead:
    case sub_state::condition:
    case sub_state::start_pre:
    case sub_state::failed:
    case sub_state::exited:
    case sub_state::auto_restart: return; // there is no main process in these
    }
}

void stepper::control_exited(const process_exited& e)
{
    s_.control_pid = 0;
    s_.control_serial = 0;
    s_.has_others = e.has_others;
    const exec_command which = s_.control_command;
    service_result f =
        result_of(e.end, which == exec_command::start ? clean_signals::daemon : clean_signals::command,
                  program_->success_exit_status);
    if (const command* c = control_command(); c != nullptr && c->ignore_failure) f = service_result::success;
    if (s_.state == sub_state::condition && f == service_result::exit_code && e.end.status < 255)
        f = service_result::exec_condition;
    if (s_.state != sub_state::reload) {
        if (f != service_result::success) blame(e.end);
        fail(f);
    }

    if (f == service_result::success && s_.control_index + 1 < commands_of(*program_, which).size() &&
        state_of(which) == s_.state)
        return run_control(s_.state, which, s_.control_index + 1);
    const bool is_ok = f == service_result::success;
    switch (s_.state) {
    case sub_state::condition: is_ok ? enter_start_pre() : enter_signal(sub_state::stop_sigterm, f); return;
    case sub_state::start_pre: is_ok ? enter_start_main() : enter_signal(sub_state::stop_sigterm, f); return;
    case sub_state::start: is_ok ? parent_exited() : enter_signal(sub_state::stop_sigterm, f); return;
    case sub_state::start_post:
        is_ok ? start_post_is_over() : enter_signal(sub_state::stop_sigterm, f);
        return;
    case sub_state::reload: reload_command_is_over(f); return;
    case sub_state::stop: enter_signal(sub_state::stop_sigterm, f); return;
    case sub_state::stop_watchdog:
    case sub_state::stop_sigterm:
    case sub_state::stop_sigkill:
        if (s_.main_pid == 0) enter_stop_post(f);
        return;
    case sub_state::stop_post:
        if (s_.main_pid == 0) enter_signal(sub_state::final_sigterm, f);
        return;
    case sub_state::final_watchdog:
    case sub_state::final_sigterm:
    case sub_state::final_sigkill:
        if (s_.main_pid == 0) enter_dead(f, may_restart::yes);
        return;
    case sub_state::dead:
    case sub_state::running:
    case sub_state::exited:
    case sub_state::reload_signal:
    case sub_state::reload_notify:
    case sub_state::auto_restart:
    case sub_state::failed: return; // no control process is waited for in these
    }
}

sub_state stepper::state_of(exec_command which)
{
    switch (which) {
    case exec_command::condition: return sub_state::condition;
    case exec_command::start_pre: return sub_state::start_pre;
    case exec_command::start: return sub_state::start;
    case exec_command::start_post: return sub_state::start_post;
    case exec_command::reload: return sub_state::reload;
    case exec_command::stop: return sub_state::stop;
    case exec_command::stop_post: return sub_state::stop_post;
    }
    return sub_state::dead;
}

bool stepper::wants_guess() const
{
    return program_->type == service_type::forking && program_->guess_main_pid && !s_.is_main_known;
}

bool stepper::has_pid_file() const
{
    return program_->type == service_type::forking && !program_->pid_file.empty();
}

// The parent of a forking program has done its part. Its PID file may be written by exec_start_post, so
// that it need not be there yet.
void stepper::parent_exited()
{
    if (has_pid_file())
        seek_main(program_->exec_start_post.empty() && s_.has_others);
    else if (wants_guess())
        seek_main(false);
    else
        enter_start_post();
}

void stepper::start_post_is_over()
{
    if (has_pid_file())
        seek_main(s_.has_others || s_.main_pid != 0);
    else if (wants_guess())
        seek_main(false);
    else
        enter_running(service_result::success);
}

void stepper::reload_command_is_over(service_result f)
{
    if (f == service_result::success && (has_pid_file() || wants_guess())) return seek_main(false);
    // As systemd 253: what the program has said while the command ran decides whether it is waited for.
    if (f == service_result::success && s_.reload_begin != never && s_.main_pid != 0 &&
        s_.notified == notify_state::reloading) {
        set_state(sub_state::reload_notify);
        s_.deadline = later(now_.monotonic, program_->timeout_start);
        return;
    }
    leave_reload(f);
}

void stepper::go_on_after_search(bool is_found)
{
    switch (s_.state) {
    case sub_state::start:
        if (is_found || !has_pid_file() || !program_->exec_start_post.empty())
            enter_start_post();
        else
            enter_signal(sub_state::stop_sigterm, service_result::protocol);
        return;
    case sub_state::start_post:
        if (is_found || !has_pid_file())
            enter_running(service_result::success);
        else
            enter_stop(service_result::protocol);
        return;
    case sub_state::reload: leave_reload(service_result::success); return;
    case sub_state::dead:
    case sub_state::condition:
    case sub_state::start_pre:
    case sub_state::running:
    case sub_state::exited:
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
    case sub_state::auto_restart:
    case sub_state::failed: return; // nothing is sought in these
    }
}

} // namespace procctl
