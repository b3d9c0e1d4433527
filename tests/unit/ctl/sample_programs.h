// Replies of a daemon, for the tests of what procctl makes of them.
#pragma once

#include "common/protocol.h"
#include "ctl/text.h"

#include <cstdlib>
#include <ctime>
#include <vector>

namespace procctl::ctl {

inline constexpr std::uint64_t second = 1'000'000;
inline constexpr std::uint64_t sample_now = 1'700'000'000 * second; // Tue 2023-11-14 22:13:20 UTC

inline protocol::program_status running_web()
{
    return {.name = "web",
            .program = "web",
            .description = "Front end",
            .type = "simple",
            .active_state = "active",
            .sub_state = "running",
            .result = "success",
            .main_pid = 4711,
            .n_restarts = 2,
            .exec_main_start_timestamp = sample_now - 192 * second,
            .state_change_timestamp = sample_now - 192 * second,
            .active_enter_timestamp = sample_now - 192 * second,
            .inactive_exit_timestamp = sample_now - 192 * second,
            .invocation_id = "0123456789abcdef0123456789abcdef",
            .next_restart_in_sec = {},
            .explanation = "running; started again 2 times by its restart policy",
            .log_path = "/var/log/procctl/web.log",
            .source = "/etc/procctl/conf.d/web.yaml:3"};
}

inline protocol::program_status waiting_worker()
{
    return {.name = "worker@1",
            .program = "worker",
            .description = "Task queue worker",
            .type = "simple",
            .active_state = "activating",
            .sub_state = "auto-restart",
            .result = "exit-code",
            .main_pid = 0,
            .n_restarts = 1,
            .exec_main_code = 1,
            .exec_main_status = 203,
            .exec_main_start_timestamp = sample_now - 5 * second,
            .exec_main_exit_timestamp = sample_now - 5 * second,
            .state_change_timestamp = sample_now - 5 * second,
            .active_enter_timestamp = sample_now - 5 * second,
            .active_exit_timestamp = sample_now - 5 * second,
            .inactive_exit_timestamp = sample_now - 3600 * second,
            .invocation_id = "0123456789abcdef0123456789abcdf0",
            .next_restart_in_sec = 3.2,
            .explanation =
                "exited with status 203 (EXEC): cannot execute /opt/worker: No such file or directory; "
                "restarts in 3.2s",
            .log_path = "/var/log/procctl/worker@1.log",
            .source = "/etc/procctl/conf.d/worker.yaml:2"};
}

inline protocol::program_status failed_mail()
{
    return {.name = "mail",
            .program = "mail",
            .description = "",
            .type = "simple",
            .active_state = "failed",
            .sub_state = "failed",
            .result = "exit-code",
            .main_pid = 0,
            .n_restarts = 5,
            .exec_main_code = 2,
            .exec_main_status = 11,
            .exec_main_start_timestamp = sample_now - 7201 * second,
            .exec_main_exit_timestamp = sample_now - 7200 * second,
            .state_change_timestamp = sample_now - 7200 * second,
            .inactive_enter_timestamp = sample_now - 7200 * second,
            .invocation_id = "0123456789abcdef0123456789abcdf1",
            .next_restart_in_sec = {},
            .start_limit_hit = true,
            .explanation =
                "was killed by SIGSEGV; start limit hit: started 5 times in 10s; it stays down. `procctl "
                "reset-failed mail` and `procctl start mail` start it again",
            .log_path = "/var/log/procctl/mail.log",
            .source = "/etc/procctl/conf.d/mail.yaml:2"};
}

inline protocol::program_status never_started()
{
    return {.name = "nightly",
            .program = "nightly",
            .description = "",
            .type = "oneshot",
            .active_state = "inactive",
            .sub_state = "dead",
            .result = "success",
            .next_restart_in_sec = {},
            .explanation = "not started: autostart is off. `procctl start nightly` starts it",
            .log_path = "/var/log/procctl/nightly.log",
            .source = "/etc/procctl/conf.d/nightly.yaml:2"};
}

// A program that has everything that few programs have, and whose words are not to be trusted.
inline protocol::program_status reloading_api()
{
    return {.name = "api",
            .program = "api",
            .description = "Back end",
            .type = "notify",
            .active_state = "reloading",
            .sub_state = "reload",
            .result = "success",
            .main_pid = 4711,
            .control_pid = 4712,
            .control_command = "exec_reload",
            .control_group = "/system.slice/procctld.service/api",
            .status_text = "Serving \x1b[2J\u009b31mred\nlines, grün: " + std::string(500, 'x'),
            .status_errno = 5,
            .reload_result = "exit-code",
            .exit_type = "main",
            .notify_access = "main",
            .ignored_notifications = 3,
            .watchdog_usec = 1'500'000,
            .next_watchdog_in_sec = 0.7,
            .n_file_descriptor_store = 2,
            .monitored = "web",
            .monitored_result = "signal",
            .state_change_timestamp = sample_now - 2 * second,
            .active_enter_timestamp = sample_now - 100 * second,
            .inactive_exit_timestamp = sample_now - 100 * second,
            .invocation_id = "0123456789abcdef0123456789abcdf2",
            .next_restart_in_sec = {},
            .explanation = "reloading: exec_reload is running; timeout_start_sec leaves it 1min 28s",
            .log_path = "/var/log/procctl/api.log",
            .source = "/etc/procctl/conf.d/api.yaml:2"};
}

inline std::vector<protocol::program_status> sample_programs()
{
    return {failed_mail(), never_started(), running_web(), waiting_worker()};
}

// Dates are shown in the local time zone: the tests choose it.
inline view plain_view(unsigned width = 0)
{
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    return {.width = width, .color = false, .now = sample_now};
}

} // namespace procctl::ctl
