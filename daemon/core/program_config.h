// The model of one program: what an entry under `programs:` says, checked, with every default filled in.
//
// A plain value. Strings that may hold % specifiers are kept as written; they are expanded per instance when
// a process is prepared (specifiers.h). Names, defaults and meanings are systemd's unless a comment says
// otherwise.
#pragma once

#include "common/exit_status.h"
#include "common/size.h"
#include "common/time.h"
#include "daemon/core/diagnostic.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace procctl {

enum class service_type { simple, exec, oneshot };
enum class restart_mode { no, on_success, on_failure, on_abnormal, on_abort, on_watchdog, always };
enum class kill_mode { control_group, mixed, process, none };

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
    std::vector<command> exec_start; // one; several only for oneshot, run one after another
    unsigned instances = 0; // 0: not given, one instance named like the program; else name@1 … name@N
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
    exit_status_set success_exit_status;
    exit_status_set restart_prevent_exit_status;
    exit_status_set restart_force_exit_status;
    bool remain_after_exit = false;

    duration timeout_start = std::chrono::seconds(90); // oneshot defaults to infinity
    duration timeout_stop = std::chrono::seconds(90);
    duration runtime_max = infinity;

    kill_mode kill = kill_mode::control_group;
    int kill_signal = 15;
    std::optional<int> restart_kill_signal; // absent: kill_signal
    int final_kill_signal = 9;
    bool send_sigkill = true;
    bool send_sighup = false;

    std::string log_path; // empty: <log_dir>/<instance name>.log

    friend bool operator==(const program_config&, const program_config&) = default;
};

// The name of the program's n-th instance (n from 1): "worker" without `instances`, else "worker@n".
[[nodiscard]] std::string instance_name_of(const program_config&, unsigned n);
[[nodiscard]] unsigned instance_count(const program_config&);

[[nodiscard]] std::string_view to_text(service_type);
[[nodiscard]] std::string_view to_text(restart_mode);
[[nodiscard]] std::string_view to_text(kill_mode);

} // namespace procctl
