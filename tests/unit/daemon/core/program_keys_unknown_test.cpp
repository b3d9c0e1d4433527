#include "daemon/core/program_keys.h"
#include "tests/support/catch.h"
#include "tests/support/parsed_program.h"

using namespace procctl;
using namespace procctl::test;

TEST_CASE("unknown keys are explained", "[program_keys]")
{
    const auto [key, expected] = GENERATE(table<const char*, const char*>({
        {"RestartSec", "unknown key 'RestartSec': write 'restart_sec'"},
        {"ExecStart", "unknown key 'ExecStart': write 'exec_start'"},
        {"LimitNOFILE", "unknown key 'LimitNOFILE': write 'limit_nofile'"},
        {"restart-sec", "unknown key 'restart-sec': write 'restart_sec'"},
        {"OOMScoreAdjust", "unknown key 'OOMScoreAdjust': write 'oom_score_adjust'"},
        {"restart_secs", "unknown key 'restart_secs': did you mean 'restart_sec'?"},
        {"exec_strat", "unknown key 'exec_strat': did you mean 'exec_start'?"},
        {"enviroment", "unknown key 'enviroment': did you mean 'environment'?"},
        {"stopwaitsecs", "unknown key 'stopwaitsecs': did you mean 'timeout_stop_sec'?"},
        {"autorestart", "unknown key 'autorestart': did you mean 'restart'? true is always, unexpected is "
                        "on-failure, false is no"},
        {"command", "unknown key 'command': did you mean 'exec_start'?"},
        {"directory", "unknown key 'directory': did you mean 'working_directory'?"},
        {"numprocs", "unknown key 'numprocs': did you mean 'instances'?"},
        {"stopsignal", "unknown key 'stopsignal': did you mean 'kill_signal'?"},
        {"stdout_logfile", "unknown key 'stdout_logfile': did you mean 'log'? write log: {path: …}"},
        {"after", "'after' is not supported by this version of procctl"},
        {"ExecStartPre", "unknown key 'ExecStartPre': write 'exec_start_pre'"},
        {"PIDFile", "unknown key 'PIDFile': write 'pid_file'"},
        {"pidfile", "unknown key 'pidfile': write 'pid_file'"},
        {"GuessMainPID", "unknown key 'GuessMainPID': write 'guess_main_pid'"},
        {"WatchdogSec", "unknown key 'WatchdogSec': write 'watchdog_sec'"},
        {"ConditionPathExists", "unknown key 'ConditionPathExists': write 'condition_path_exists'"},
        {"watchdog", "unknown key 'watchdog': did you mean 'watchdog_sec'?"},
        {"pre_start", "unknown key 'pre_start': did you mean 'exec_start_pre'?"},
        {"post_stop", "unknown key 'post_stop': did you mean 'exec_stop_post'?"},
        {"condition_path_exist", "unknown key 'condition_path_exist': did you mean 'condition_path_exists'?"},
        {"ConditionUser",
         "'ConditionUser' is not supported by this version of procctl: condition_path_exists "
         "looks for a path, exec_condition runs a test of any kind"},
        {"assert_path_is_directory", "'assert_path_is_directory' is not supported by this version of "
                                     "procctl: assert_path_exists looks for a "
                                     "path, exec_start_pre runs a test of any kind"},
        {"BusName",
         "'BusName' is not supported by procctl: procctl is not on D-Bus; 'type: notify' says when "
         "the program is ready"},
        {"job_timeout_sec", "'job_timeout_sec' is not supported by procctl: timeout_start_sec and "
                            "timeout_stop_sec limit what there is to wait for"},
        {"usb_function_descriptors",
         "'usb_function_descriptors' is not supported by procctl: procctl sets up no USB gadgets"},
        {"non_blocking", "'non_blocking' is not supported by this version of procctl"},
        {"root_directory_start_only",
         "'root_directory_start_only' is not supported by this version of procctl"},
        {"OOMPolicy", "'OOMPolicy' is not supported by this version of procctl"},
        {"RestartMode", "'RestartMode' is not supported by this version of procctl"},
        {"MemoryMax", "'MemoryMax' is not supported by this version of procctl"},
        {"ready_check", "'ready_check' is not supported by this version of procctl"},
        {"Service",
         "unknown key 'Service': the keys stand directly under the program's name, without sections"},
        {"frobnicate", "unknown key 'frobnicate': no key of a program is like it; the configuration "
                       "reference lists them all"},
        {"x", "unknown key 'x': no key of a program is like it; the configuration reference lists them all"},
    }));
    const auto [program, problems] = parse_key(key, text("1"));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0] == "f:2:5: error: " + std::string(expected));
}

TEST_CASE("every key of Supervisor's programs has a hint of its own, or is ours as well", "[program_keys]")
{
    const std::string key =
        GENERATE("command", "process_name", "numprocs", "numprocs_start", "priority", "autostart",
                 "startsecs", "startretries", "autorestart", "exitcodes", "stopsignal", "stopwaitsecs",
                 "stopasgroup", "killasgroup", "user", "redirect_stderr", "stdout_logfile", "stderr_logfile",
                 "stdout_logfile_maxbytes", "stderr_logfile_maxbytes", "stdout_logfile_backups",
                 "stderr_logfile_backups", "stdout_capture_maxbytes", "stderr_capture_maxbytes",
                 "stdout_events_enabled", "stderr_events_enabled", "stdout_syslog", "stderr_syslog",
                 "environment", "directory", "umask", "serverurl");
    CAPTURE(key);
    const auto problems = parse_key(key, text("1")).problems;
    if (find_program_key(key) == nullptr) {
        REQUIRE(problems.size() == 1);
        CHECK_FALSE(mentions(problems, "no key of a program is like it"));
    } else {
        CHECK_FALSE(mentions(problems, "unknown key"));
    }
}
