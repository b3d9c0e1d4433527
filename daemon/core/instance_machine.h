// The state machine of one instance: systemd's service states, as one pure function.
//
// It is told facts (events) and the time, and answers with the next status and the orders to carry out. It
// does no I/O, reads no clock and remembers nothing of its own. The essay on the states stands in
// instance_machine.cpp.
#pragma once

#include "common/service_result.h"
#include "common/time.h"
#include "daemon/core/notify_message.h"
#include "daemon/core/program_config.h"
#include "daemon/core/restart_policy.h"
#include "daemon/core/start_limit.h"
#include "daemon/core/sub_state.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
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

// The end of another instance that this one was started for, by its on_failure or on_success: what
// MONITOR_SERVICE_RESULT and its like tell (systemd.exec(5)).
struct monitored_end {
    std::string unit; // the instance's name
    service_result result = service_result::success;
    process_end exec_main;
    invocation_id invocation;

    friend bool operator==(const monitored_end&, const monitored_end&) = default;
};

enum class pending_job { none, start, restart }; // what follows once the stop under way is done

enum class time_limit { none, start, stop, abort, runtime, watchdog }; // timeout_start_sec …, watchdog_sec

// The first command that went wrong in a run, where it was not the main process.
struct failed_command {
    exec_command command = exec_command::start;
    unsigned index = 0;
    process_end end; // never_ran: it could not be made, or a limit ran out while it ran
    spawn_failure failure;

    friend bool operator==(const failed_command&, const failed_command&) = default;
};

// How a run went, once it is over.
struct run_end {
    service_result result = service_result::success;
    process_end exec_main;
    wall_time at{};           // wall_time{}: there was none
    invocation_id invocation; // serial 0: a start that came to nothing before there was a run
    // The last bytes that it wrote, whatever they are, at most log_settings::max_tail_size. They come a
    // moment after the end (output_ended), and are empty until then.
    std::string output;

    friend bool operator==(const run_end&, const run_end&) = default;
};

// Everything the machine knows of one instance. A plain value; the snapshot writes it down.
struct instance_status {
    sub_state state = sub_state::dead;
    // The state that was announced last. It lags behind `state` while a process has been ordered that does
    // not exist yet: systemd shows `start` only once there is one, and never for a simple program.
    sub_state announced = sub_state::dead;
    service_result result = service_result::success;
    service_result reload_result = service_result::success; // of the last reload
    // The limit that made the result timeout or watchdog; none where WATCHDOG=trigger asked for the latter.
    time_limit expired = time_limit::none;
    std::optional<failed_command> culprit; // that made the result what it is

    // Processes. A serial identifies one in events, from the order to make it until it has ended; serial
    // with pid 0: it has been ordered, and there is no answer yet. 0: none.
    int main_pid = 0;
    std::uint64_t main_serial = 0;
    // Whether it is known which process is the main one. Not so in a forking program whose main process
    // could not be found: it lives as long as any process of it does.
    bool is_main_known = false;
    bool is_main_alien = false; // no child of the daemon when it became the main process: no SIGCHLD
    int control_pid = 0;
    std::uint64_t control_serial = 0;
    spawn_failure control_failure; // set when the control process could not execute its command
    exec_command control_command = exec_command::start; // what the control process is, or was, for
    unsigned control_index = 0;                         // which of its commands
    unsigned main_index = 0;                            // which exec_start of a oneshot is under way
    std::uint64_t last_serial = 0;   // the latest one given; counts the processes of the instance
    std::uint64_t sought_serial = 0; // the main process is being looked for (find_main); 0: it is not
    bool has_others = false;         // processes of the instance beside these two are, or may be, there
    process_end exec_main;           // how the last main process ended; never_ran while it runs
    spawn_failure exec_main_failure; // set when it ended before its program was executed
    invocation_id invocation;
    std::optional<monitored_end> monitored; // why it was started, where another instance's end was why

    // What it said by sd_notify in this run, or the last one.
    notify_state notified = notify_state::unknown;
    std::string status_text;
    int status_errno = 0;
    std::optional<int> notified_exit_status;
    std::optional<duration> watchdog_override; // WATCHDOG_USEC=, instead of watchdog_sec
    std::uint64_t ignored_notifications = 0;   // malformed, too long, or not from whom notify_access admits
    time_point reload_begin = never;           // of a reload by reload_signal that has not been answered

    unsigned n_restarts = 0;
    bool flush_n_restarts = false; // the counter is shown until the next start that is not automatic
    unsigned delay_step = 0;       // automatic restarts since the delay was restart_sec
    bool stop_requested = false;   // systemd's forbid_restart
    pending_job pending = pending_job::none;
    // The requests that have not been answered by a finish_job yet; equal ones share one answer.
    bool start_job = false;
    bool stop_job = false;
    bool restart_job = false;
    bool reload_job = false;
    bool reload_again = false;        // requested while a reload was under way: another one follows
    std::uint64_t check_serial = 0;   // its path conditions are being looked at before a start; 0: not
    bool condition_failed = false;    // the last start was skipped, or refused, because of such a path
    bool start_limit_refused = false; // the last start was refused by the start limit
    restart_reason last_decision = restart_reason::policy_stays; // of the last end
    start_limit_window start_limit;

    time_point deadline = never;          // when the present state times out, or a restart is due
    time_point watchdog_deadline = never; // when the next ping must have come
    time_point active_since = never;      // CLOCK_MONOTONIC of active_enter, for runtime_max_sec
    // CLOCK_REALTIME, wall_time{}: never. As systemctl show's ActiveEnterTimestamp and its like.
    wall_time state_change, active_enter, active_exit, inactive_enter, inactive_exit;
    wall_time exec_main_start, exec_main_exit;
    run_end last_run; // the last one that is over, while the next one runs too

    friend bool operator==(const instance_status&, const instance_status&) = default;
};

// Something the core only passes on: descriptors that came with a fact, closed when nobody holds them.
using attachment = std::shared_ptr<const void>;

// A living process that may become the main one.
struct found_process {
    int pid = 0;
    bool is_member = false; // of the instance's control group
    bool is_child = false;  // of the daemon, so that its end will be told
    attachment handle;      // its pidfd
};

// Facts, in the past tense.
struct start_requested {
    std::optional<monitored_end> monitored{};
};
struct stop_requested {};
struct restart_requested {};
struct reload_requested {};
struct reset_failed_requested {};
struct hurry_requested {}; // stop now, without the grace period
struct process_started {
    std::uint64_t serial = 0;
    int pid = 0;
    spawn_failure failure; // the process exists but could not execute its program; its exit follows
};
// No process could be made at all (an environment file is missing, no memory): result resources.
struct process_not_started {
    std::uint64_t serial = 0;
};
struct process_exited {
    std::uint64_t serial = 0;
    process_end end;         // never_ran: nobody could tell how (no child of ours)
    bool has_others = false; // the instance has processes yet, perhaps its other known one
};
struct processes_gone {}; // the instance has no process any more
// The answer to check_conditions.
struct conditions_checked {
    std::uint64_t serial = 0;
    bool condition_met = true;
    bool assert_met = true;
    bool is_known = true; // false: nobody could look, so that the start fails with the result resources
};
// The answer to find_main.
struct main_found {
    std::uint64_t serial = 0;
    found_process process;
};
struct main_not_found { // by guessing, or there is no such file and nobody waits for it
    std::uint64_t serial = 0;
};
// The main process is about to be reported as ended, and its PID file names another one by now.
struct main_moved {
    found_process process;
};
struct notified {
    int pid = 0;                // the sender, by its credentials
    bool is_privileged = false; // sent by root
    bool is_member = false;     // the sender belongs to the instance
    notify_message message;
    std::optional<found_process> new_main; // the process that MAINPID= names; absent: none that could be it
    attachment descriptors;                // that came with it
};
struct notification_ignored {}; // it could not be read
// All that a run has written before its end is where it belongs, and these are the last bytes of it. Means
// something after the end of that run and until the next one's; said again it counts anew, for a child may
// have gone on writing. Only the last max_tail_size bytes are kept.
struct output_ended {
    invocation_id run;
    std::string tail;
};
struct time_passed {}; // `now` has reached deadline or watchdog_deadline

using event = std::variant<start_requested, stop_requested, restart_requested, reload_requested,
                           reset_failed_requested, hurry_requested, process_started, process_not_started,
                           process_exited, processes_gone, conditions_checked, main_found, main_not_found,
                           main_moved, notified, notification_ignored, output_ended, time_passed>;

// Orders, in the imperative.
enum class signal_scope {
    main,
    control,
    main_and_control, // kill_mode process
    all,              // these two first, then every other process of the instance, each once
};
// Look at condition_path_exists and assert_path_exists. Answered by conditions_checked with this serial.
// Taken back by any step that leaves another check_serial.
struct check_conditions {
    std::uint64_t serial = 0;
};
// Make a process. `start` is the main process, but for type forking a control process. Answered by
// process_started, process_not_started, or process_exited alone where it is clear that a process could not
// get as far as its program (no such user). Taken back, with no answer wanted, by any step after which
// neither main_serial nor control_serial is this serial.
struct start_process {
    std::uint64_t serial = 0;
    exec_command command = exec_command::start;
    unsigned index = 0; // into the list of commands
    [[nodiscard]] bool is_control(service_type type) const
    {
        return command != exec_command::start || type == service_type::forking;
    }
};
// Find the main process that type forking has left behind: by pid_file, or without one by guessing (the only
// child of the daemon in the control group). Answered by main_found or main_not_found. With `waits` a PID
// file that does not name a process yet is waited for. Taken back by any step that leaves another
// sought_serial.
struct find_main {
    std::uint64_t serial = 0;
    bool waits = false;
};
// From now on this is the main process, under this serial: report its end.
struct watch_main {
    std::uint64_t serial = 0;
    found_process process;
};
// Send exactly this signal. The SIGCONT that follows a signal, so that a stopped process can act on it, and
// the SIGHUP of send_sighup are orders of their own, in the order of sending.
struct send_signal {
    int signal = 0;
    signal_scope scope = signal_scope::all;
};
// A process that was made although its order had been taken back by then: nobody wants it. SIGKILL.
struct end_process {
    std::uint64_t serial = 0;
};
// FDSTORE=1, up to file_descriptor_store_max, and FDSTOREREMOVE=1.
struct store_descriptors {
    attachment descriptors;
    std::string name;
    bool polls = true; // drop them when they hang up
};
struct remove_descriptors {
    std::string name;
};
// The instance has entered this state; passing states are announced too (running, dead, auto-restart).
struct announce_state {
    sub_state from;
    sub_state to;
};
// The instance has come to its end and is not started again by itself: on_failure, or on_success.
struct trigger_others {
    bool has_failed = false;
    std::vector<std::string> names; // of programs and instances
    monitored_end end;              // without the unit's name
};
// success_action, failure_action or start_limit_action is `exit`.
struct exit_daemon {
    int exit_status = 0;
};
enum class job_kind {
    start,
    stop,
    restart,
    try_restart,
    reload
}; // try_restart: the supervisor makes one of the others of it
enum class job_outcome {
    done,
    failed,          // see result, or reload_result
    canceled,        // another request overtook it
    start_limit_hit, // refused; result as it was
    assert_failed,   // refused: an assert_path_exists does not hold
    invalid,         // a reload of what is not active
    unsupported,     // a reload of what cannot reload
    timeout,
};
// The requests of this kind have come to their end. Every request is answered by exactly one, at once or
// later; requests of one kind that were made while the first of them was under way share it. An automatic
// restart is nobody's request and has none.
struct finish_job {
    job_kind kind;
    job_outcome outcome;
};

using action = std::variant<check_conditions, start_process, find_main, watch_main, send_signal, end_process,
                            store_descriptors, remove_descriptors, announce_state, trigger_others,
                            exit_daemon, finish_job>;

struct step_result {
    instance_status next;
    std::vector<action> actions; // in order
};

// One step. `new_invocation` is used when the step begins a new run (never otherwise). Facts about a process
// whose serial the status does not have change nothing, but that the last process of all is gone is heeded.
[[nodiscard]] step_result step(const program_config&, const instance_status&, const event&,
                               const instant& now, const invocation_id& new_invocation);

// The same, in place and without allocation where `actions` has room, for the supervisor. A run that begins
// in this step begins with the configuration `next`: it differs from `program` when the configuration has
// changed while the instance was up. A fact about a stranger leaves everything as it is.
void step(const program_config& program, const program_config& next, instance_status&, const event&,
          const instant& now, const invocation_id& new_invocation, std::vector<action>& actions);

// Whether the instance is down and nothing is to come by itself: dead or failed, and no start is being
// checked.
[[nodiscard]] bool is_down(const instance_status&);

// The earlier of the two deadlines; never when the instance waits for no time.
[[nodiscard]] time_point next_deadline(const instance_status&);

// The delay before the automatic restart that follows `steps` others: systemd 254's formula (restart_steps,
// restart_max_delay_sec).
[[nodiscard]] duration restart_delay(const program_config&, unsigned steps);

// What the end of a run tells of it, for on_failure and on_success; without the unit's name.
[[nodiscard]] monitored_end end_of_run(const instance_status&);

// For the golden dump, logs and tests: "process_exited", "send_signal SIGTERM all".
[[nodiscard]] std::string describe(const event&);
[[nodiscard]] std::string describe(const action&);
[[nodiscard]] std::string_view to_text(job_kind);
[[nodiscard]] std::string_view to_text(job_outcome); // "start-limit-hit"

} // namespace procctl
