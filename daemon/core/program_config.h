// The model of one program: what an entry under `programs:` says, checked, with every default filled in.
//
// A plain value. Strings that may hold % specifiers are kept as written; they are expanded per instance when
// a process is prepared (specifiers.h). Names, defaults and meanings are systemd's unless a comment says
// otherwise.
#pragma once

#include "common/exit_status.h"
#include "common/log_settings.h"
#include "common/size.h"
#include "common/time.h"
#include "daemon/core/diagnostic.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace procctl {

enum class service_type { simple, exec, forking, oneshot, notify, notify_reload };
enum class exit_type { main, cgroup }; // what must end for the program to have ended
enum class restart_mode { no, on_success, on_failure, on_abnormal, on_abort, on_watchdog, always };
enum class kill_mode { control_group, mixed, process, none };
enum class notify_access { none, main, exec, all };
enum class timeout_failure_mode { terminate, abort, kill };
enum class emergency_action { none, exit }; // exit: the daemon stops everything and ends

// The lists of commands, in the order of a run. All but `start` are control commands; for type forking
// `start` is one too, for what it leaves behind is the main process.
enum class exec_command { condition, start_pre, start, start_post, reload, stop, stop_post };

struct command {
    std::vector<std::string>
        argv;                    // never empty; argv[0] is the file to execute, absolute or looked up on PATH
    bool ignore_failure = false; // prefix '-'
    bool expand_variables = true; // off with prefix ':'

    friend bool operator==(const command&, const command&) = default;
};

struct environment_file {
    std::string path;
    bool optional = false; // prefix '-'

    friend bool operator==(const environment_file&, const environment_file&) = default;
};

// ConditionPathExists= and AssertPathExists=. All that are no triggers must hold, and one of the triggers, if
// there are any.
struct path_condition {
    std::string path;
    bool is_negated = false; // prefix '!'
    bool is_trigger = false; // prefix '|'

    friend bool operator==(const path_condition&, const path_condition&) = default;
};

struct resource_limit {
    int resource = 0;                    // RLIMIT_*
    std::uint64_t soft = unlimited_size; // RLIM_INFINITY as unlimited_size
    std::uint64_t hard = unlimited_size;

    friend bool operator==(const resource_limit&, const resource_limit&) = default;
};

struct program_config {
    std::string name;
    std::string description;
    service_type type = service_type::simple;
    exit_type exit = exit_type::main;
    std::vector<command> exec_condition;
    std::vector<command> exec_start_pre;
    std::vector<command> exec_start; // one; several, or none, only for oneshot, run one after another
    std::vector<command> exec_start_post;
    std::vector<command> exec_reload;
    std::vector<command> exec_stop;
    std::vector<command> exec_stop_post;
    std::vector<path_condition> condition_path_exists;
    std::vector<path_condition> assert_path_exists;
    std::string pid_file;       // of type forking; empty: none
    bool guess_main_pid = true; // of type forking without pid_file
    unsigned instances = 0;     // 0: not given, one instance named like the program; else name@1 … name@N
    bool autostart = true;
    std::vector<std::string> tags;

    // Who it runs as. Empty: the daemon's own. Names or numbers.
    std::string user;
    std::string group;
    std::vector<std::string> supplementary_groups;

    std::string working_directory;           // empty: "/"; "~": the user's home
    bool working_directory_optional = false; // prefix '-': a missing folder is no error
    unsigned umask = 0022;
    std::vector<std::pair<std::string, std::string>> environment; // in file order, names unique
    std::vector<environment_file> environment_files;
    std::optional<int> nice;             // -20 to 19
    std::vector<resource_limit> limits;  // limit_*, by resource number
    std::optional<int> oom_score_adjust; // -1000 to 1000
    bool ignore_sigpipe = true;

    restart_mode restart = restart_mode::always; // ours: systemd's default is no; oneshot defaults to no
    duration restart_sec = std::chrono::milliseconds(100);
    duration start_limit_interval = std::chrono::seconds(10); // 0: no limit
    unsigned start_limit_burst = 5;                           // 0: no limit
    unsigned restart_steps = 0;                               // 0: the delay does not grow
    duration restart_max_delay = infinity;                    // infinity: likewise
    duration restart_reset = infinity; // ours: up for so long, the delay is restart_sec again
    exit_status_set success_exit_status;
    exit_status_set restart_prevent_exit_status;
    exit_status_set restart_force_exit_status;
    bool remain_after_exit = false;

    duration timeout_start = std::chrono::seconds(90); // oneshot defaults to infinity
    duration timeout_stop = std::chrono::seconds(90);
    std::optional<duration> timeout_abort; // absent: timeout_stop
    duration runtime_max = infinity;
    duration runtime_randomized_extra{}; // 0: none
    timeout_failure_mode timeout_start_failure = timeout_failure_mode::terminate;
    timeout_failure_mode timeout_stop_failure = timeout_failure_mode::terminate;

    notify_access notify = notify_access::none; // as written; see effective_notify_access
    duration watchdog{};                        // 0: none
    int watchdog_signal = 6;
    int reload_signal = 1;                  // of type notify-reload
    unsigned file_descriptor_store_max = 0; // 0: none are stored

    kill_mode kill = kill_mode::control_group;
    int kill_signal = 15;
    std::optional<int> restart_kill_signal; // absent: kill_signal
    int final_kill_signal = 9;
    bool send_sigkill = true;
    bool send_sighup = false;

    emergency_action success_action = emergency_action::none;
    emergency_action failure_action = emergency_action::none;
    emergency_action start_limit_action = emergency_action::none;
    std::optional<int> success_action_exit_status; // 0 to 255; absent: that of the main process
    std::optional<int> failure_action_exit_status;
    std::vector<std::string> on_success; // programs or instances to start when this one has ended well
    std::vector<std::string> on_failure; // when it has failed

    // Descriptors 0, 1 and 2. A stderr_path without standard_error makes that `log`.
    log_settings log;
    output_choice standard_output;
    output_choice standard_error{output_kind::inherit, {}};
    input_choice standard_input;
    // What standard input is filled with when it is data. May hold % specifiers; those bytes that came as
    // base64 have each '%' doubled. What stands behind the last newline is always of that kind.
    std::string standard_input_data;
    log_error_action on_log_error = log_error_action::wait;
    std::string syslog_identifier;   // may hold % specifiers; empty: the name of the program
    int syslog_facility = 3;         // 0 to 23, as in syslog(3) but without the shift by 3; 3: daemon
    int syslog_level = 6;            // 0 to 7; 6: info
    bool syslog_level_prefix = true; // "<3>" at the beginning of a line is its level

    friend bool operator==(const program_config&, const program_config&) = default;
};

// The name of the program's n-th instance (n from 1): "worker" without `instances`, else "worker@n".
[[nodiscard]] std::string instance_name_of(const program_config&, unsigned n);
[[nodiscard]] unsigned instance_count(const program_config&);

[[nodiscard]] const std::vector<command>& commands_of(const program_config&, exec_command);
// With `none` as written, the main process may notify all the same where the type, a watchdog or a store of
// descriptors would be of no use otherwise (oracle N23, N24).
[[nodiscard]] notify_access effective_notify_access(const program_config&);
// Whether it becomes ready by READY=1: notify and notify-reload.
[[nodiscard]] bool is_notify(service_type);

[[nodiscard]] std::string_view to_text(service_type);
[[nodiscard]] std::string_view to_text(exit_type);
[[nodiscard]] std::string_view to_text(notify_access);
[[nodiscard]] std::string_view to_text(timeout_failure_mode);
[[nodiscard]] std::string_view to_text(emergency_action);
[[nodiscard]] std::string_view to_text(exec_command); // as the key: "exec_start_pre"
[[nodiscard]] std::string_view to_text(restart_mode);
[[nodiscard]] std::string_view to_text(kill_mode);

} // namespace procctl
