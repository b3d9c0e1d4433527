// What each fact and request means in each state: the switchboard of the machine.
//
// A part of the machine (instance_machine.cpp, where the essay on the states stands), of no use to others.
// Requests and time are in instance_machine.cpp, facts about processes in instance_processes.cpp, what
// programs say in instance_notifications.cpp.
#pragma once

#include "daemon/core/instance_transitions.h"

namespace procctl {

class stepper : private transitions {
public:
    using transitions::transitions;

    void operator()(const start_requested& e);
    void operator()(const stop_requested&);
    void operator()(const restart_requested&);
    void operator()(const reload_requested&);
    void operator()(const reset_failed_requested&);
    void operator()(const hurry_requested&);
    void operator()(const conditions_checked& e);
    void operator()(const process_started& e);
    void operator()(const process_not_started& e);
    void operator()(const process_exited& e);
    void operator()(const processes_gone&);
    void operator()(const main_found& e);
    void operator()(const main_not_found& e);
    void operator()(const main_moved& e);
    void operator()(const notification_ignored&) { ++s_.ignored_notifications; }
    void operator()(const notified& e);
    void operator()(const output_ended& e);
    void operator()(const time_passed&);

private:
    void main_started(const process_started& e);
    void main_exited(const process_exited& e);
    void control_exited(const process_exited& e);
    static sub_state state_of(exec_command which);
    [[nodiscard]] bool wants_guess() const;
    [[nodiscard]] bool has_pid_file() const;
    [[nodiscard]] bool is_control(const found_process& p) const
    {
        return s_.control_pid != 0 && p.pid == s_.control_pid;
    }
    void parent_exited();
    void start_post_is_over();
    void reload_command_is_over(service_result f);
    void go_on_after_search(bool is_found);
    [[nodiscard]] bool is_admitted(const notified& e) const;
    void take_main_pid(const notified& e);
    void take_state(const notify_message& m);
    void extend_timeout(duration by);
    [[nodiscard]] bool may_watch() const;
};

} // namespace procctl
