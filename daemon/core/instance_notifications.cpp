// What programs say by sd_notify(3): systemd's service_notify_message().
#include "daemon/core/instance_stepper.h"

#include <algorithm>

namespace procctl {

void stepper::operator()(const notified& e)
{
    const notify_message& m = e.message;
    // Whoever sent it waits for its descriptor to be closed, which happens with this event: all that came
    // before has been dealt with.
    if (m.is_barrier) return;
    if (!is_admitted(e)) {
        ++s_.ignored_notifications;
        return;
    }
    if (m.main_pid) take_main_pid(e);
    take_state(m);
    if (m.status) s_.status_text = *m.status;
    if (m.errno_value) s_.status_errno = *m.errno_value;
    if (m.exit_status) s_.notified_exit_status = m.exit_status;
    if (m.extend_timeout_usec) extend_timeout(*m.extend_timeout_usec);
    if (m.watchdog == watchdog_request::ping && may_watch()) start_watchdog();
    if (m.watchdog == watchdog_request::trigger && may_watch())
        enter_signal(sub_state::stop_watchdog, service_result::watchdog);
    if (m.removes_descriptors)
        out_.push_back(remove_descriptors{m.descriptor_name});
    else if (m.stores_descriptors && e.descriptors && program_->file_descriptor_store_max != 0)
        out_.push_back(store_descriptors{e.descriptors, m.descriptor_name, m.polls_descriptors});
    if (m.watchdog_usec) {
        s_.watchdog_override = *m.watchdog_usec;
        if (may_watch()) start_watchdog();
    }
}

bool stepper::is_admitted(const notified& e) const
{
    const bool is_main = s_.main_pid != 0 && e.pid == s_.main_pid;
    const bool is_control_process = s_.control_pid != 0 && e.pid == s_.control_pid;
    switch (effective_notify_access(*program_)) {
    case notify_access::none: return false;
    case notify_access::main: return is_main;
    case notify_access::exec: return is_main || is_control_process;
    case notify_access::all: return is_main || is_control_process || e.is_member;
    }
    return false;
}

// The sender is the main process until it says otherwise, so with notify_access main a former one is not
// listened to any more (oracle N39, N40).
void stepper::take_main_pid(const notified& e)
{
    const active_state a = active_state_of(s_.state);
    const bool is_up = s_.state == sub_state::start || s_.state == sub_state::start_post ||
                       s_.state == sub_state::running || a == active_state::reloading;
    if (!is_up || !e.new_main || is_main_ordered()) return;
    const found_process& found = *e.new_main;
    if (s_.is_main_known && found.pid == s_.main_pid) return;
    if (is_control(found)) return;
    // A process outside the instance is suspicious, but root may say so (oracle N90, N91).
    if (found.is_member || e.is_privileged) set_main(found);
}

void stepper::take_state(const notify_message& m)
{
    if (m.state == notify_state::unknown) return;
    s_.notified = m.state;
    const bool answers_reload = m.has_reloading && m.monotonic_usec && *m.monotonic_usec >= s_.reload_begin;
    switch (m.state) {
    case notify_state::unknown: return;
    case notify_state::ready:
        if (s_.state == sub_state::start && is_notify(program_->type) && !is_main_ordered())
            return enter_start_post();
        if (s_.state == sub_state::reload_notify || (s_.state == sub_state::reload_signal && answers_reload))
            return leave_reload(service_result::success);
        if (s_.state == sub_state::reload && !has_control() && s_.sought_serial == 0)
            return leave_reload(service_result::success);
        return;
    case notify_state::reloading:
        if (s_.state == sub_state::reload_signal && answers_reload) {
            const time_point limit = s_.deadline;
            set_state(sub_state::reload_notify);
            s_.deadline = limit;
        }
        if (s_.state == sub_state::running) enter_reload_by_notify();
        return;
    case notify_state::stopping:
        if (s_.state == sub_state::running || s_.state == sub_state::reload_signal ||
            s_.state == sub_state::reload_notify)
            enter_stop_by_notify();
        return;
    }
}

// It extends from the message on, and never shortens (oracle N60 to N66).
void stepper::extend_timeout(duration by)
{
    if (s_.state == sub_state::auto_restart) return; // that is our time, not the program's
    const time_point extended = later(now_.monotonic, by);
    if (s_.deadline != never) s_.deadline = std::max(s_.deadline, extended);
    if (s_.watchdog_deadline != never) s_.watchdog_deadline = std::max(s_.watchdog_deadline, extended);
}

// A ping turns the watchdog on before READY=1 and after STOPPING=1 too (measured on systemd 252); what has
// been sent watchdog_signal or SIGKILL already is not waited for any longer by that.
bool stepper::may_watch() const
{
    switch (active_state_of(s_.state)) {
    case active_state::activating: return s_.state != sub_state::auto_restart;
    case active_state::active:
    case active_state::reloading: return true;
    case active_state::deactivating:
        return s_.state == sub_state::stop || s_.state == sub_state::stop_sigterm;
    case active_state::inactive:
    case active_state::failed: return false;
    }
    return false;
}

} // namespace procctl
