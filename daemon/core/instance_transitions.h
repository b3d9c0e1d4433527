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

    // A process has been ordered, and there is no answer yet.
    [[nodiscard]] bool is_start_outstanding() const;

    // The first thing to go wrong sets the result.
    void fail(service_result);
    void expire(time_limit); // the result will be timeout, unless something else went wrong before
    // Tells everybody of the present state, unless that has been done.
    void announce();
    void set_state(sub_state); // and announces it
    void finish(bool& job, job_kind, job_outcome);
    void finish_starts(job_outcome); // the start and the restart that are under way, if any
    void cancel_starts();            // and forgets what was to follow the stop under way

    void enter_start(); // a run, if the start limit admits it
    void run_command(unsigned index);
    void enter_running(service_result); // or what follows when the main process is gone
    void enter_stop(service_result);
    // Sends the signals of this state, a stop_ or final_ one, and awaits their effect; where there is nobody
    // to wait for, passes on.
    void enter_signal(sub_state, service_result);
    // The same with SIGKILL to all that is left, whatever the configuration says; kill_mode none is obeyed.
    void enter_sigkill(sub_state);
    void enter_stop_post(service_result); // where systemd's ExecStopPost= belongs
    void enter_dead(service_result, may_restart);
    // A stop that was asked for, by anyone, in any state.
    void stop();
    // In a stop, what was waited for has ended: the main process, or, without one, the others.
    void process_is_gone(service_result);
    void leave_auto_restart(); // for good, or for a start that somebody asked for

    const program_config* program_; // what runs
    const program_config& next_;    // what a run that begins now runs
    instance_status& s_;
    const instant& now_;
    const invocation_id& new_invocation_;
    std::vector<action>& out_;

private:
    void set_state_silently(sub_state);
    void enter_refused();
    void send(int signal, signal_scope);
    bool kill(sub_state);
};

} // namespace procctl
