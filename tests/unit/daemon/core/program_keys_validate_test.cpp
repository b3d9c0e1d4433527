#include "daemon/core/program_keys.h"
#include "tests/support/catch.h"
#include "tests/support/parsed_program.h"

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

TEST_CASE("instances that share a log file are a warning", "[program_keys]")
{
    const auto problems_of = [](const char* path) {
        return parse(map({{"exec_start", text("/bin/x")},
                          {"instances", text("2")},
                          {"log", map({{"path", text(path)}})}}))
            .problems;
    };
    CHECK(mentions(problems_of("/var/log/x.log"), "warning: log.path: all instances write to the same file"));
    CHECK(problems_of("/var/log/x-%i.log").empty());
    CHECK(problems_of("/var/log/%n.log").empty());
}

TEST_CASE("contradictions between keys are refused as in systemd", "[program_keys]")
{
    const auto oneshot = [](const std::string& key, const std::string& value) {
        return parse(map({{"exec_start", text("/bin/x")}, {"type", text("oneshot")}, {key, text(value)}}))
            .problems;
    };
    CHECK(oneshot("restart", "always") ==
          texts{"f:3:5: error: restart: 'always' is refused for type oneshot, as in systemd; allowed are no, "
                "on-failure, on-abnormal, on-abort, on-watchdog"});
    CHECK(mentions(oneshot("restart", "on-success"), "'on-success' is refused for type oneshot"));
    for (const char* mode : {"no", "on-failure", "on-abnormal", "on-abort", "on-watchdog"})
        CHECK(oneshot("restart", mode).empty());
    CHECK(oneshot("restart_force_exit_status", "1").empty()); // allowed since systemd 256
    CHECK(
        mentions(oneshot("runtime_max_sec", "1h"), "warning: runtime_max_sec has no effect on type oneshot"));
}

TEST_CASE("the name of the last instance must fit", "[program_keys]")
{
    diagnostics out;
    const auto keys = map({{"exec_start", text("/bin/x")}, {"instances", text("10")}});
    (void)parse_program(std::string(126, 'a'), keys, "f", out);
    REQUIRE(out.size() == 1);
    CHECK(out[0].where.line == 2);
    out.clear();
    (void)parse_program(std::string(125, 'a'), keys, "f", out);
    CHECK(out.empty());
}

TEST_CASE("exit_type cgroup is not for oneshot", "[program_keys]")
{
    const auto problems_of = [](const char* type) {
        return parse(
                   map({{"exec_start", text("/bin/x")}, {"type", text(type)}, {"exit_type", text("cgroup")}}))
            .problems;
    };
    CHECK(problems_of("oneshot") ==
          texts{"f:3:5: error: exit_type: 'cgroup' is refused for type oneshot, as in systemd"});
    for (const char* type : {"simple", "exec", "forking", "notify", "notify-reload"})
        CHECK(problems_of(type) == texts{}); // forking too: systemd 252 loads it
}

TEST_CASE("keys that have no effect with the others are a warning", "[program_keys]")
{
    const auto [key, value, type,
                expected] = GENERATE(table<const char*, const char*, const char*, const char*>({
        {"pid_file", "x.pid", "notify",
         "pid_file is for type forking: nothing waits for the file with type notify"},
        {"pid_file", "x.pid", "forking", ""},
        {"guess_main_pid", "no", "forking", ""},
        {"reload_signal", "USR1", "notify",
         "reload_signal has an effect on type notify-reload only, this is type notify"},
        {"reload_signal", "USR1", "notify-reload", ""},
        {"watchdog_sec", "5", "oneshot",
         "watchdog_sec has no effect on type oneshot: when the watchdog would begin, its commands have "
         "ended"},
        {"watchdog_sec", "5", "simple", ""},
        {"watchdog_sec", "infinity", "oneshot", ""},
        {"runtime_randomized_extra_sec", "5", "simple",
         "runtime_randomized_extra_sec has no effect without runtime_max_sec"},
        {"restart_steps", "5", "simple", "restart_steps has no effect without restart_max_delay_sec"},
        {"restart_max_delay_sec", "5", "simple", "restart_max_delay_sec has no effect without restart_steps"},
        {"restart_reset_sec", "5", "simple",
         "restart_reset_sec has no effect without restart_steps and restart_max_delay_sec"},
        {"success_action_exit_status", "5", "simple",
         "success_action_exit_status has no effect without 'success_action: exit'"},
        {"failure_action_exit_status", "5", "simple",
         "failure_action_exit_status has no effect without 'failure_action: exit' or "
         "'start_limit_action: exit'"},
        {"kill_mode", "none", "simple",
         "kill_mode: 'none' is unsafe: after a stop the processes run on, and nobody looks after them; use "
         "mixed, or process"},
        {"exec_reload", "/bin/x", "notify-reload", ""},
        {"remain_after_exit", "yes", "forking", ""},
        {"notify_access", "none", "notify", ""},
        {"restart", "on-watchdog", "notify", ""},
    }));
    CAPTURE(key, value, type);
    const auto problems =
        parse(map({{"exec_start", text("/bin/x")}, {"type", text(type)}, {key, text(value)}})).problems;
    if (std::string_view(expected).empty())
        CHECK(problems == texts{});
    else
        CHECK(problems == texts{"f:3:5: warning: " + std::string(expected)});
}

TEST_CASE("keys that need one another are no warning together", "[program_keys]")
{
    CHECK(parse(map({{"exec_start", text("/bin/x")},
                     {"restart_steps", text("5")},
                     {"restart_max_delay_sec", text("1min")},
                     {"restart_reset_sec", text("10min")},
                     {"runtime_max_sec", text("1h")},
                     {"runtime_randomized_extra_sec", text("5min")},
                     {"success_action", text("exit")},
                     {"success_action_exit_status", text("3")},
                     {"failure_action", text("exit")},
                     {"failure_action_exit_status", text("4")}}))
              .problems == texts{});
}

TEST_CASE("a delay above the longest one is lowered to it, as in systemd", "[program_keys]")
{
    const auto [program, problems] = parse(map({{"exec_start", text("/bin/x")},
                                                {"restart_sec", text("10s")},
                                                {"restart_max_delay_sec", text("2s")},
                                                {"restart_steps", text("3")}}));
    CHECK(problems ==
          texts{"f:3:5: warning: restart_max_delay_sec is less than restart_sec, which is lowered to "
                "it, as in systemd"});
    CHECK(program.restart_sec == 2s);
    CHECK(to_json(*format_program(program).find("restart_sec")) == R"("2s")");
}

TEST_CASE("a program does not start itself", "[program_keys]")
{
    const auto [program, problems] = parse_key("on_failure", text("alert web web@2 webmaster"));
    CHECK(problems ==
          texts{"f:2:5: warning: on_failure: 'web' is the program itself and is left out, as in systemd: "
                "'restart' says when it is started again"});
    CHECK(program.on_failure == texts{"alert", "webmaster"});
    CHECK(parse_key("on_success", list({text("web@1")})).program.on_success.empty());
}

TEST_CASE("instances that share a PID file are a warning", "[program_keys]")
{
    const auto problems_of = [](const char* path) {
        return parse(map({{"exec_start", text("/bin/x")},
                          {"instances", text("2")},
                          {"type", text("forking")},
                          {"pid_file", text(path)}}))
            .problems;
    };
    CHECK(problems_of("x.pid") ==
          texts{"f:4:5: warning: pid_file: all instances write to the same file; with %i "
                "in the path each has its own"});
    CHECK(problems_of("x-%i.pid") == texts{});
}
