#include "daemon/core/program_keys_unknown.h"

#include "daemon/core/program_keys.h"
#include "daemon/core/utf8.h"

#include <algorithm>
#include <array>
#include <vector>

namespace procctl {
namespace {

// A key of another program's format. With `instead` the sentence is "did you mean 'instead'?", and `hint`
// follows; without it `hint` says why there is nothing to write.
struct foreign_key {
    std::string_view name;
    std::string_view instead;
    std::string_view hint;
};

constexpr std::string_view no_rate = "no line is dropped: a program that floods is slowed down by its pipe";
constexpr std::string_view no_terminal =
    "no program is given a terminal; standard_input: file:/dev/ttyN reads from one";
constexpr std::string_view listener = "event listeners are not supported by this version of procctl";

constexpr auto foreign_keys = std::to_array<foreign_key>({
    // Supervisor's [program:x], in the order of its manual.
    {"command", "exec_start", ""},
    {"process_name", "", "instances are called name@1, name@2, …"},
    {"numprocs", "instances", ""},
    {"numprocs_start", "", "instances are numbered from 1"},
    {"priority", "", "an order of starting is not supported by this version of procctl"},
    {"startsecs", "",
     "a program counts as started as its 'type' says; use 'start_limit_burst' and "
     "'start_limit_interval_sec' against crash loops"},
    {"startretries", "start_limit_burst", "it counts every start within 'start_limit_interval_sec'"},
    {"autorestart", "restart", "true is always, unexpected is on-failure, false is no"},
    {"exitcodes", "success_exit_status", ""},
    {"stopsignal", "kill_signal", ""},
    {"stopwaitsecs", "timeout_stop_sec", ""},
    {"stopasgroup", "kill_mode", "control-group signals every process of the program"},
    {"killasgroup", "kill_mode", "mixed kills what is left when the main process has gone"},
    {"redirect_stderr", "standard_error",
     "true is inherit, the default; with false, log: {stderr_path: …} is its file, and log its value"},
    {"stdout_logfile", "log", "write log: {path: …}"},
    {"stdout_logfile_maxbytes", "log", "write log: {max_size: …}, 50M for 50MB, infinity for 0"},
    {"stdout_logfile_backups", "log", "write log: {keep: …}"},
    {"stdout_capture_maxbytes", "", listener},
    {"stdout_events_enabled", "", listener},
    {"stdout_syslog", "standard_output", "write standard_output: syslog"},
    {"stderr_logfile", "log", "write log: {stderr_path: …}"},
    {"stderr_logfile_maxbytes", "log", "log: {max_size: …} is for both files"},
    {"stderr_logfile_backups", "log", "log: {keep: …} is for both files"},
    {"stderr_capture_maxbytes", "", listener},
    {"stderr_events_enabled", "", listener},
    {"stderr_syslog", "standard_error", "write standard_error: syslog"},
    {"directory", "working_directory", ""},
    {"serverurl", "", "the daemon's socket is in its settings file"},
    {"programs", "", "groups are not needed: give the programs a common tag ('tags')"},
    {"events", "", listener},
    {"buffer_size", "", listener},
    {"result_handler", "", listener},
    {"socket", "", "listening sockets are not supported by this version of procctl"},
    {"socket_backlog", "", "listening sockets are not supported by this version of procctl"},
    {"socket_owner", "", "listening sockets are not supported by this version of procctl"},
    {"socket_mode", "", "listening sockets are not supported by this version of procctl"},
    // What else people write.
    {"cmd", "exec_start", ""},
    {"args", "exec_start", "the arguments stand behind the command"},
    {"cwd", "working_directory", ""},
    {"workdir", "working_directory", ""},
    {"env", "environment", ""},
    {"env_file", "environment_file", ""},
    {"replicas", "instances", ""},
    {"stdin", "standard_input", ""},
    {"stdin_file", "standard_input", "write standard_input: file:PATH"},
    {"input", "standard_input", ""},
    {"stdout", "standard_output", ""},
    {"output", "standard_output", ""},
    {"stderr", "standard_error", ""},
    {"logfile", "log", "write log: {path: …}"},
    {"log_path", "log", "write log: {path: …}"},
    {"stderr_path", "log", "write log: {stderr_path: …}"},
    {"max_size", "log", "write log: {max_size: …}"},
    {"keep", "log", "write log: {keep: …}"},
    {"max_total_size", "log", "write log: {max_total_size: …}"},
    {"max_age", "log", "write log: {max_age: …}"},
    {"compress", "log", "write log: {compress: …}"},
    {"timestamps", "log", "write log: {timestamps: …}"},
    {"tail_size", "log", "write log: {tail_size: …}"},
    {"log_driver", "standard_output", "journal and syslog are values of it"},
    {"syslog_tag", "syslog_identifier", ""},
    {"restart_delay", "restart_sec", ""},
    {"backoff", "restart_steps", "with restart_max_delay_sec the wait before a restart grows"},
    {"pre_start", "exec_start_pre", ""},
    {"start_pre", "exec_start_pre", ""},
    {"post_start", "exec_start_post", ""},
    {"start_post", "exec_start_post", ""},
    {"pre_stop", "exec_stop", ""},
    {"stop_command", "exec_stop", ""},
    {"post_stop", "exec_stop_post", ""},
    {"stop_post", "exec_stop_post", ""},
    {"reload", "exec_reload", ""},
    {"reload_command", "exec_reload", ""},
    {"pid", "pid_file", ""},
    {"watchdog", "watchdog_sec", ""},
    {"stop_signal", "kill_signal", ""},
    {"stop_timeout", "timeout_stop_sec", ""},
    {"name", "", "the name of a program is the key under 'programs'"},
    {"service", "", "the keys stand directly under the program's name, without sections"},
    {"unit", "", "the keys stand directly under the program's name, without sections"},
    {"install", "", "there is nothing to install: every program of conf.d is started ('autostart')"},
    {"wanted_by", "", "there is nothing to install: every program of conf.d is started ('autostart')"},
    {"required_by", "", "there is nothing to install: every program of conf.d is started ('autostart')"},
});

// systemd's other conditions, each of which exists as ConditionX= and as AssertX=.
constexpr auto conditions = std::to_array<std::string_view>({
    "path_exists_glob",
    "path_is_directory",
    "path_is_symbolic_link",
    "path_is_mount_point",
    "path_is_read_write",
    "path_is_encrypted",
    "path_is_socket",
    "directory_not_empty",
    "file_not_empty",
    "file_is_executable",
    "user",
    "group",
    "host",
    "kernel_version",
    "version",
    "kernel_command_line",
    "kernel_module_loaded",
    "environment",
    "virtualization",
    "architecture",
    "firmware",
    "security",
    "capability",
    "memory",
    "memory_pressure",
    "cpu_pressure",
    "io_pressure",
    "cpus",
    "cpu_feature",
    "ac_power",
    "first_boot",
    "needs_update",
    "control_group_controller",
    "os_release",
    "credential",
});

// Directives that have another place here, or none.
constexpr auto refused_with_reason = std::to_array<foreign_key>({
    {"job_timeout_sec", "", "timeout_start_sec and timeout_stop_sec limit what there is to wait for"},
    {"job_running_timeout_sec", "", "timeout_start_sec and timeout_stop_sec limit what there is to wait for"},
    {"job_timeout_action", "", "failure_action ends the daemon when a start has failed"},
    {"job_timeout_reboot_argument", "", "procctl ends itself at most, never the machine"},
    {"reboot_argument", "", "procctl ends itself at most, never the machine"},
    {"bus_name", "", "procctl is not on D-Bus; 'type: notify' says when the program is ready"},
    {"log_level_max", "",
     "every line is kept; journalctl -p shows those of a level, and syslog's rules sort by it"},
    {"log_extra_fields", "",
     "the journal is told PROCCTL_PROGRAM and PROCCTL_INSTANCE; syslog_identifier is the program's own"},
    {"log_rate_limit_interval_sec", "", no_rate},
    {"log_rate_limit_burst", "", no_rate},
    {"log_filter_patterns", "", "every line is kept; procctl logs -g PATTERN shows some"},
    {"log_namespace", "", "the journal is the system's; log: {path: …} keeps a program's output apart"},
    {"tty_path", "", no_terminal},
    {"tty_reset", "", no_terminal},
    {"tty_v_hangup", "", no_terminal},
    {"tty_columns", "", no_terminal},
    {"tty_rows", "", no_terminal},
    {"tty_vt_disallocate", "", no_terminal},
    {"usb_function_descriptors", "", "procctl sets up no USB gadgets"},
    {"usb_function_strings", "", "procctl sets up no USB gadgets"},
});

// systemd's directives and our own keys that this version does not have: never silence.
constexpr auto not_in_this_version = std::to_array<std::string_view>({
    // [Unit]
    "after",
    "before",
    "requires",
    "requisite",
    "wants",
    "binds_to",
    "part_of",
    "upholds",
    "conflicts",
    "on_failure_job_mode",
    "propagates_reload_to",
    "reload_propagated_from",
    "propagates_stop_to",
    "stop_propagated_from",
    "joins_namespace_of",
    "requires_mounts_for",
    "stop_when_unneeded",
    "refuse_manual_start",
    "refuse_manual_stop",
    "allow_isolate",
    "default_dependencies",
    "collect_mode",
    "documentation",
    "source_path",
    // [Service]
    "restart_mode",
    "oom_policy",
    "sockets",
    "file_descriptor_store_preserve",
    "open_file",
    "root_directory_start_only",
    "non_blocking",
    "permissions_start_only",
    // Execution
    "root_directory",
    "root_image",
    "mount_api_vfs",
    "bind_paths",
    "bind_read_only_paths",
    "dynamic_user",
    "pam_name",
    "capability_bounding_set",
    "ambient_capabilities",
    "no_new_privileges",
    "secure_bits",
    "selinux_context",
    "app_armor_profile",
    "smack_process_label",
    "coredump_filter",
    "keyring_mode",
    "timer_slack_n_sec",
    "personality",
    "cpu_scheduling_policy",
    "cpu_scheduling_priority",
    "cpu_scheduling_reset_on_fork",
    "cpu_affinity",
    "numa_policy",
    "numa_mask",
    "io_scheduling_class",
    "io_scheduling_priority",
    "protect_system",
    "protect_home",
    "runtime_directory",
    "state_directory",
    "cache_directory",
    "logs_directory",
    "configuration_directory",
    "runtime_directory_mode",
    "state_directory_mode",
    "cache_directory_mode",
    "logs_directory_mode",
    "configuration_directory_mode",
    "runtime_directory_preserve",
    "timeout_clean_sec",
    "read_write_paths",
    "read_only_paths",
    "inaccessible_paths",
    "exec_paths",
    "no_exec_paths",
    "temporary_file_system",
    "private_tmp",
    "private_devices",
    "private_network",
    "network_namespace_path",
    "private_ipc",
    "ipc_namespace_path",
    "private_users",
    "private_mounts",
    "protect_hostname",
    "protect_clock",
    "protect_kernel_tunables",
    "protect_kernel_modules",
    "protect_kernel_logs",
    "protect_control_groups",
    "protect_proc",
    "proc_subset",
    "restrict_address_families",
    "restrict_file_systems",
    "restrict_namespaces",
    "lock_personality",
    "memory_deny_write_execute",
    "restrict_realtime",
    "restrict_suid_sgid",
    "remove_ipc",
    "mount_flags",
    "system_call_filter",
    "system_call_error_number",
    "system_call_architectures",
    "system_call_log",
    "pass_environment",
    "unset_environment",
    "set_login_environment",
    "load_credential",
    "load_credential_encrypted",
    "set_credential",
    "import_credential",
    "utmp_identifier",
    "utmp_mode",
    // Resource control
    "cpu_accounting",
    "cpu_weight",
    "startup_cpu_weight",
    "cpu_quota",
    "cpu_quota_period_sec",
    "cpu_shares",
    "allowed_cpus",
    "allowed_memory_nodes",
    "memory_accounting",
    "memory_min",
    "memory_low",
    "memory_high",
    "memory_max",
    "memory_swap_max",
    "memory_zswap_max",
    "memory_limit",
    "tasks_accounting",
    "tasks_max",
    "io_accounting",
    "io_weight",
    "startup_io_weight",
    "io_device_weight",
    "io_read_bandwidth_max",
    "io_write_bandwidth_max",
    "io_read_iops_max",
    "io_write_iops_max",
    "io_device_latency_target_sec",
    "ip_accounting",
    "ip_address_allow",
    "ip_address_deny",
    "ip_ingress_filter_path",
    "ip_egress_filter_path",
    "socket_bind_allow",
    "socket_bind_deny",
    "restrict_network_interfaces",
    "device_allow",
    "device_policy",
    "slice",
    "delegate",
    "disable_controllers",
    "managed_oom_swap",
    "managed_oom_memory_pressure",
    "managed_oom_memory_pressure_limit",
    "managed_oom_preference",
    // Ours
    "ready_check",
    "health_check",
    "schedule",
    "on_calendar",
    "listen_stream",
});

// Lower case, without '_' and '-'.
std::string squash(std::string_view word)
{
    std::string out;
    for (const char c : word) {
        if (c == '_' || c == '-') continue;
        out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

// How many characters to insert, drop, replace or swap with their neighbour make one word of the other.
std::size_t edit_distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before.swap(last);
        last.swap(row);
    }
    return last[b.size()];
}

std::string quoted(std::string_view word) { return "'" + std::string(word) + "'"; }

// Empty when the key is no condition of systemd's.
std::string explain_condition(std::string_view key)
{
    for (const std::string_view stem : conditions) {
        const std::string refused = quoted(key) + " is not supported by this version of procctl: ";
        if (is_same_spelling(key, "condition_" + std::string(stem)))
            return refused + "condition_path_exists looks for a path, exec_condition runs a test of any kind";
        if (is_same_spelling(key, "assert_" + std::string(stem)))
            return refused + "assert_path_exists looks for a path, exec_start_pre runs a test of any kind";
    }
    return {};
}

} // namespace

bool is_same_spelling(std::string_view a, std::string_view b) { return squash(a) == squash(b); }

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates)
{
    const std::string wanted = squash(word);
    if (wanted.size() > 64)
        return {}; // nobody's misspelling, and the distance costs the product of the lengths
    std::string_view best;
    std::size_t best_distance = 1 + wanted.size() / 3; // further away is another word
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = edit_distance(wanted, squash(candidate));
        if (distance >= best_distance) continue;
        best = candidate;
        best_distance = distance;
    }
    return best;
}

std::string explain_unknown_program_key(std::string_view key)
{
    const std::string unknown = "unknown key " + quoted(shortened(key));
    std::vector<std::string_view> names;
    for (const program_key& row : program_keys()) {
        if (is_same_spelling(key, row.name)) return unknown + ": write " + quoted(row.name);
        names.push_back(row.name);
    }
    for (const foreign_key& foreign : foreign_keys) {
        if (!is_same_spelling(key, foreign.name)) continue;
        std::string text = unknown + ": ";
        if (!foreign.instead.empty()) text += "did you mean " + quoted(foreign.instead) + "?";
        if (!foreign.instead.empty() && !foreign.hint.empty()) text += ' ';
        return text + std::string(foreign.hint);
    }
    for (const foreign_key& refused : refused_with_reason)
        if (is_same_spelling(key, refused.name))
            return quoted(key) + " is not supported by procctl: " + std::string(refused.hint);
    if (const std::string text = explain_condition(key); !text.empty()) return text;
    for (const std::string_view later : not_in_this_version)
        if (is_same_spelling(key, later)) return quoted(key) + " is not supported by this version of procctl";
    if (const std::string_view near = nearest(key, names); !near.empty())
        return unknown + ": did you mean " + quoted(near) + "?";
    return unknown + ": no key of a program is like it; the configuration reference lists them all";
}

} // namespace procctl
