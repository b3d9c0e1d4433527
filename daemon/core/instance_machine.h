// The state machine of one instance: systemd's service states, as one pure function.
//
// It is told facts (events) and the time, and answers with the next status and the orders to carry out. It
// does no I/O, reads no clock and remembers nothing of its own. The essay on the states stands in
// instance_machine.cpp.
#pragma once

#include "common/service_result.h"
#include "common/time.h"
#include "daemon/core/program_config.h"
#include "daemon/core/restart_policy.h"
#include "daemon/core/start_limit.h"
#include "daemon/core/sub_state.h"

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace procctl {

// A run of an instance, from a start to the end: systemd's invocation id, 128 bits.
struct invocation_id {
    std::uint64_t run = 0;    // random, one per daemon
    std::uint64_t serial = 0; // counts the starts of all instances

    [[nodiscard]] std::string text() const; // 32 hex digits
    friend bool operator==(const invocation_id&, const invocation_id&) = default;
};

// Where the preparation of a process failed: the child's step and errno. Set by daemon/os/spawn.
struct spawn_failure {
    int exit_status = 0; // systemd's: 203 for EXEC, 200 for CHDIR, 217 for USER …; 0: nothing failed
    int errno_value = 0;

    friend bool operator==(const spawn_failure&, const spawn_failure&) = default;
};

enum class pending_job { none, start, restart }; // what follows once the stop under way is done

enum class time_limit { none, start, stop, runtime }; // timeout_start, timeout_stop, runtime_max

// Everything the machine knows of one instance. A plain value, trivially copied; the snapshot writes it down.
struct instance_status {
    sub_state state = sub_state::dead;
    // The state that was announced last. It lags behind `state` while a start has been ordered and no process
    // exists yet: systemd shows `start` only once there is one, and never for a simple program.
    sub_state announced = sub_state::dead;
    service_result result = service_result::success;
    time_limit expired = time_limit::none; // the limit that made the result timeout

    int main_pid = 0;                // 0: none
    std::uint64_t main_serial = 0;   // identifies the main process in events, from the order on; 0: none
    std::uint64_t last_serial = 0;   // the latest one given; counts the processes of the instance
    bool has_leftovers = false;      // other processes of the instance live on after the main process
    unsigned command_index = 0;      // which exec_start of a oneshot is under way
    process_end exec_main;           // how the last main process ended; never_ran while it runs
    spawn_failure exec_main_failure; // set when it ended before its program was executed
    invocation_id invocation;

    unsigned n_restarts = 0;
    bool flush_n_restarts = false; // the counter is shown until the next start that is not automatic
    bool stop_requested = false;   // systemd's forbid_restart
    pending_job pending = pending_job::none;
    // The requests that have not been answered by a finish_job yet; equal ones share one answer.
    bool start_job = false;
    bool stop_job = false;
    bool restart_job = false;
    bool start_limit_refused = false; // the last start was refused by the start limit
    restart_reason last_decision = restart_reason::policy_stays; // of the last end
    start_limit_window start_limit;

    time_point deadline = never;         // when the present state times out, or a restart is due
    time_point runtime_deadline = never; // runtime_max_sec
    // CLOCK_REALTIME, wall_time{}: never. As systemctl show's ActiveEnterTimestamp and its like.
    wall_time state_change, active_enter, active_exit, inactive_enter, inactive_exit;
    wall_time exec_main_start, exec_main_exit;

    friend bool operator==(const instance_status&, const instance_status&) = default;
};

// Facts, in the past tense.
struct start_requested {};
struct stop_requested {};
struct restart_requested {};
struct reset_failed_requested {};
struct hurry_requested {}; // stop now, without the grace period
struct main_started {
    std::uint64_t serial = 0;
    int pid = 0;
    spawn_failure failure; // the process exists but could not execute its program; its exit follows
};
// No process could be made at all (an environment file is missing, no memory): result resources.
struct main_not_started {
    std::uint64_t serial = 0;
};
struct main_exited {
    std::uint64_t serial = 0;
    process_end end;
    bool has_leftovers = false; // other processes of the instance are still there
};
struct leftovers_gone {
    std::uint64_t serial = 0; // of the main process they belonged to
};
struct time_passed {}; // `now` has reached deadline or runtime_deadline

using event =
    std::variant<start_requested, stop_requested, restart_requested, reset_failed_requested, hurry_requested,
                 main_started, main_not_started, main_exited, leftovers_gone, time_passed>;

// Orders, in the imperative.
enum class signal_scope {
    main,   // the main process alone
    group,  // the main process and the others, each once
    others, // what is left when the main process is gone
};
// Make the next process, with the serial status.main_serial. Answered by main_started, main_not_started, or
// main_exited alone where it is clear that a process could not get as far as its program (no such user).
// Taken back, with no answer wanted, by any step that leaves another main_serial.
struct start_main {
    unsigned command_index = 0; // into exec_start
};
// Send exactly this signal. The SIGCONT that follows a signal, so that a stopped process can act on it, and
// the SIGHUP of send_sighup are orders of their own, in the order of sending.
struct send_signal {
    int signal = 0;
    signal_scope scope = signal_scope::group;
};
// The instance has entered this state; passing states are announced too (running, dead, auto-restart).
struct announce_state {
    sub_state from;
    sub_state to;
};
enum class job_kind { start, stop, restart };
enum class job_outcome {
    done,
    failed,          // see result
    canceled,        // another request overtook it
    start_limit_hit, // refused; result as it was
    timeout,
};
// The requests of this kind have come to their end. Every request is answered by exactly one, at once or
// later; requests of one kind that were made while the first of them was under way share it. An automatic
// restart is nobody's request and has none.
struct finish_job {
    job_kind kind;
    job_outcome outcome;
};

using action = std::variant<start_main, send_signal, announce_state, finish_job>;

struct step_result {
    instance_status next;
    std::vector<action> actions; // in order
};

// One step. `new_invocation` is used when the step begins a new run (never otherwise). Facts about another
// main process than status.main_serial change nothing. start_main's process gets the serial next.main_serial.
[[nodiscard]] step_result step(const program_config&, const instance_status&, const event&,
                               const instant& now, const invocation_id& new_invocation);

// The same, in place and without allocation where `actions` has room, for the supervisor. A run that begins
// in this step begins with the configuration `next`: it differs from `program` when the configuration has
// changed while the instance was up. A fact about a stranger leaves everything as it is.
void step(const program_config& program, const program_config& next, instance_status&, const event&,
          const instant& now, const invocation_id& new_invocation, std::vector<action>& actions);

// Whether the instance is down and nothing is to come by itself: dead or failed.
[[nodiscard]] bool is_down(const instance_status&);

// The earlier of the two deadlines; never when the instance waits for no time.
[[nodiscard]] time_point next_deadline(const instance_status&);

// For the golden dump, logs and tests: "main_exited", "send_signal SIGTERM group".
[[nodiscard]] std::string describe(const event&);
[[nodiscard]] std::string describe(const action&);
[[nodiscard]] std::string_view to_text(job_kind);
[[nodiscard]] std::string_view to_text(job_outcome); // "start-limit-hit"

} // namespace procctl
