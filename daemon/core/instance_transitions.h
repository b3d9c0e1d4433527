// How an instance gets from state to state: the functions of systemd's service.c that enter one.
//
// A part of the machine (instance_machine.cpp, where the essay on the states stands), of no use to others.
#pragma once

#include "daemon/core/instance_machine.h"

namespace procctl {

// One step under way: the status that is being changed and the orders so far.
class transitions {
public:
    transitions(const program_config& program, const program_config& next, instance_status& status,
                const instant& now, const invocation_id& new_invocation, std::vector<action>& actions)
        : program_(&program), next_(next), s_(status), now_(now), new_invocation_(new_invocation),
          out_(actions)
    {
    }

protected:
    enum class may_restart { yes, no };

    // --- What is there.
    [[nodiscard]] bool has_control() const { return s_.control_serial != 0; } // or has been ordered
    [[nodiscard]] bool is_main_ordered() const { return s_.main_serial != 0 && s_.main_pid == 0; }
    // Whether something of the program lives that makes it count as up: systemd's service_good().
    [[nodiscard]] bool is_good() const;
    [[nodiscard]] const command* control_command() const; // null: the configuration has changed under it

    // --- The result. The first thing to go wrong sets it.
    void fail(service_result);
    void expire(time_limit); // the result will be timeout or watchdog, unless something went wrong before
    void blame(const process_end&); // the control command

    // --- Jobs.
    void finish(bool& job, job_kind, job_outcome);
    // The start and the restart that are under way, if any, and the reload that is as good as done by them.
    void finish_starts(job_outcome);
    void cancel_starts(); // and forgets what was to follow the stop under way

    // --- States. `announce` tells everybody of the present one, unless that has been done.
    void announce();
    void set_state(sub_state);
    [[nodiscard]] bool is_watched() const; // whether the watchdog is on in this state
    void start_watchdog();

    // --- Entering them, in the order of a run.
    void begin_start(std::optional<monitored_end>); // path conditions first, where there are any
    void enter_start(std::optional<monitored_end>); // a run, if the start limit admits it
    void enter_condition();
    void enter_start_pre();
    void enter_start_main();
    void enter_start_post();
    void enter_running(service_result); // or what follows when nothing is left that runs
    void enter_reload();
    void enter_reload_by_notify();
    void leave_reload(service_result);
    void enter_stop(service_result);
    void enter_stop_by_notify();
    // Sends the signals of this state, a stop_ or final_ one, and awaits their effect; where there is nobody
    // to wait for, passes on.
    void enter_signal(sub_state, service_result);
    // What timeout_start_failure_mode and timeout_stop_failure_mode choose from.
    void enter_failure_mode(timeout_failure_mode, bool is_final);
    // SIGKILL to all that is left, whatever the configuration says; kill_mode none is obeyed.
    void enter_hurried_kill(sub_state);
    void enter_stop_post(service_result);
    void enter_dead(service_result, may_restart);
    void leave_auto_restart(); // for good, or for a start that somebody asked for
    // A stop that was asked for, by anyone, in any state.
    void stop();

    // --- Processes.
    void run_main(unsigned index);
    void run_control(sub_state, exec_command, unsigned index);
    void seek_main(bool waits); // answered by main_found or main_not_found
    void set_main(const found_process&);
    void kill_control();
    void trigger(bool has_failed); // on_failure, or on_success
    void end_daemon(emergency_action, std::optional<int> exit_status);

    const program_config* program_; // what runs
    const program_config& next_;    // what a run that begins now runs
    instance_status& s_;
    const instant& now_;
    const invocation_id& new_invocation_;
    std::vector<action>& out_;

private:
    void set_state_silently(sub_state);
    void enter_refused();
    void order_process(std::uint64_t serial, exec_command, unsigned index);
    void forget_control();
    void withdraw_orders();
    [[nodiscard]] time_point end_of_runtime() const;
    void send(int signal, signal_scope);
    bool kill(sub_state);
};

} // namespace procctl
