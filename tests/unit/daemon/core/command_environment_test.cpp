// The variables of systemd.exec(5) that depend on how a run goes. What each command is told was measured
// (tests/oracle/exec-stop-post-env.tsv holds the ends).
#include "daemon/core/command_environment.h"
#include "tests/support/catch.h"

#include <signal.h>

using namespace procctl;
using namespace std::chrono_literals;

namespace {

constexpr exec_command every_command[] = {
    exec_command::condition, exec_command::start_pre, exec_command::start,    exec_command::start_post,
    exec_command::reload,    exec_command::stop,      exec_command::stop_post};

// "NAME=value NAME=value"
std::string told(const program_config& program, const instance_status& status, exec_command which)
{
    std::string text;
    for (const auto& [name, value] : command_environment(program, status, which))
        text += (text.empty() ? "" : " ") + name + '=' + value;
    return text;
}

} // namespace

TEST_CASE("MAINPID is told while there is a main process", "[environment]")
{
    const program_config program;
    instance_status status;
    for (const exec_command which : every_command)
        CHECK(told(program, status, which).find("MAINPID") == std::string::npos);
    status.main_pid = 4711;
    CHECK(told(program, status, exec_command::start_post) == "MAINPID=4711");
    CHECK(told(program, status, exec_command::reload) == "MAINPID=4711");
    CHECK(told(program, status, exec_command::stop) == "MAINPID=4711 SERVICE_RESULT=success");
    status.main_pid = -1; // one that could not be made has no number
    CHECK(told(program, status, exec_command::start_post).empty());
}

TEST_CASE("exec_stop and exec_stop_post are told how it went", "[environment]")
{
    const program_config program;
    instance_status status;
    const auto [result, end, expected] = GENERATE(table<service_result, process_end, std::string>({
        {service_result::success, {}, "SERVICE_RESULT=success"},
        {service_result::success,
         {exit_code_kind::exited, 0},
         "SERVICE_RESULT=success EXIT_CODE=exited EXIT_STATUS=0"},
        {service_result::exit_code,
         {exit_code_kind::exited, 3},
         "SERVICE_RESULT=exit-code EXIT_CODE=exited EXIT_STATUS=3"},
        {service_result::success,
         {exit_code_kind::killed, SIGTERM},
         "SERVICE_RESULT=success EXIT_CODE=killed EXIT_STATUS=TERM"},
        {service_result::core_dump,
         {exit_code_kind::dumped, SIGSEGV},
         "SERVICE_RESULT=core-dump EXIT_CODE=dumped EXIT_STATUS=SEGV"},
        {service_result::watchdog,
         {exit_code_kind::killed, SIGABRT},
         "SERVICE_RESULT=watchdog EXIT_CODE=killed EXIT_STATUS=ABRT"},
        {service_result::exec_condition, {}, "SERVICE_RESULT=exec-condition"},
    }));
    status.result = result;
    status.exec_main = end;
    CHECK(told(program, status, exec_command::stop) == expected);
    CHECK(told(program, status, exec_command::stop_post) == expected);
    for (const exec_command which : {exec_command::condition, exec_command::start_pre, exec_command::start,
                                     exec_command::start_post, exec_command::reload})
        CHECK(told(program, status, which).empty());
}

TEST_CASE("a program started for the end of another is told of it", "[environment]")
{
    const program_config program;
    instance_status status;
    status.monitored = {"web", service_result::exit_code, {exit_code_kind::exited, 3}, {1, 2}};
    const std::string all = "MONITOR_SERVICE_RESULT=exit-code MONITOR_EXIT_CODE=exited MONITOR_EXIT_STATUS=3 "
                            "MONITOR_INVOCATION_ID=00000000000000010000000000000002 MONITOR_UNIT=web";
    CHECK(told(program, status, exec_command::start_pre) == all);
    CHECK(told(program, status, exec_command::start) == all);
    for (const exec_command which : {exec_command::condition, exec_command::start_post, exec_command::reload})
        CHECK(told(program, status, which).empty());
    CHECK(told(program, status, exec_command::stop_post).find("MONITOR") == std::string::npos);

    SECTION("by a signal")
    {
        status.monitored->exec_main = {exit_code_kind::killed, SIGKILL};
        const std::string text = told(program, status, exec_command::start);
        CHECK(text.find("MONITOR_EXIT_CODE=killed MONITOR_EXIT_STATUS=KILL") != std::string::npos);
    }
    SECTION("before its main process ran")
    {
        status.monitored->exec_main = {};
        CHECK(told(program, status, exec_command::start).find("MONITOR_EXIT") == std::string::npos);
    }
}

TEST_CASE("the main process is told the interval of the watchdog", "[environment]")
{
    program_config program;
    instance_status status;
    const auto [watchdog, expected] = GENERATE(table<duration, std::string>({
        {0s, ""},
        {infinity, ""},
        {1500ms, "WATCHDOG_USEC=1500000"},
    }));
    program.watchdog = watchdog;
    for (const exec_command which : every_command) {
        const bool is_main = which == exec_command::start;
        const bool has_result = which == exec_command::stop || which == exec_command::stop_post;
        CHECK(told(program, status, which) == (is_main      ? expected
                                               : has_result ? "SERVICE_RESULT=success"
                                                            : ""));
    }
}

TEST_CASE("who gets a NOTIFY_SOCKET", "[environment]")
{
    using enum notify_access;
    const auto [access, main_may, control_may] = GENERATE(table<notify_access, bool, bool>({
        {none, false, false},
        {main, true, false},
        {exec, true, true},
        {all, true, true},
    }));
    program_config program;
    program.notify = access;
    for (const exec_command which : every_command)
        CHECK(may_notify(program, which) == (which == exec_command::start ? main_may : control_may));
    program.file_descriptor_store_max = 1; // a store is of no use otherwise: main at least
    CHECK(may_notify(program, exec_command::start));
    CHECK(may_notify(program, exec_command::stop) == control_may);
}
