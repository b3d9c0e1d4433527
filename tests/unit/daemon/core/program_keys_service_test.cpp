// The keys of systemd's service semantics: each with values that are understood, in their canonical form, and
// values that are refused, with the sentence and the place.
#include "daemon/core/program_keys.h"
#include "tests/support/catch.h"
#include "tests/support/parsed_program.h"

#include <signal.h>

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

namespace {

// The canonical JSON of one key; "-" when it is the default.
std::string canonical(const program_config& program, std::string_view key)
{
    const config_value written = format_program(program);
    const config_value* const value = written.find(key);
    return value == nullptr ? "-" : to_json(*value);
}

} // namespace

TEST_CASE("values and their canonical form", "[program_keys]")
{
    const auto [key, value, written] = GENERATE(table<const char*, const char*, const char*>({
        {"type", "simple", "-"},
        {"type", "forking", R"("forking")"},
        {"type", "notify", R"("notify")"},
        {"type", "notify-reload", R"("notify-reload")"},
        {"exit_type", "main", "-"},
        {"exit_type", "cgroup", R"("cgroup")"},
        {"condition_path_exists", "/a b", R"(["/a b"])"},
        {"condition_path_exists", "!/a", R"(["!/a"])"},
        {"condition_path_exists", "|/a", R"(["|/a"])"},
        {"condition_path_exists", "|!%t/a", R"(["|!%t/a"])"},
        {"condition_path_exists", "", "-"},
        {"assert_path_exists", "/%i", R"(["/%i"])"},
        {"pid_file", "/run/x.pid", R"("/run/x.pid")"},
        {"pid_file", "x/%i.pid", R"("%t/x/%i.pid")"},
        {"pid_file", "%n.pid", R"("%t/%n.pid")"},
        {"pid_file", "%t/x.pid", R"("%t/x.pid")"},
        {"pid_file", "%S/x.pid", R"("%S/x.pid")"},
        {"pid_file", "", "-"},
        {"guess_main_pid", "no", R"("no")"},
        {"guess_main_pid", "yes", "-"},
        {"notify_access", "none", "-"},
        {"notify_access", "main", R"("main")"},
        {"notify_access", "exec", R"("exec")"},
        {"notify_access", "all", R"("all")"},
        {"watchdog_sec", "0", "-"},
        {"watchdog_sec", "infinity", "-"},
        {"watchdog_sec", "1.5", R"("1.5s")"},
        {"watchdog_signal", "ABRT", "-"},
        {"watchdog_signal", "9", R"("SIGKILL")"},
        {"timeout_abort_sec", "", "-"},
        {"timeout_abort_sec", "90s", R"("1min 30s")"}, // not the default: timeout_stop_sec may change
        {"timeout_abort_sec", "0", R"("0")"},          // at once, unlike the two others
        {"timeout_abort_sec", "infinity", R"("infinity")"},
        {"timeout_start_failure_mode", "terminate", "-"},
        {"timeout_start_failure_mode", "abort", R"("abort")"},
        {"timeout_stop_failure_mode", "kill", R"("kill")"},
        {"runtime_randomized_extra_sec", "0", "-"},
        {"runtime_randomized_extra_sec", "5min", R"("5min")"},
        {"reload_signal", "SIGHUP", "-"},
        {"reload_signal", "USR2", R"("SIGUSR2")"},
        {"file_descriptor_store_max", "0", "-"},
        {"file_descriptor_store_max", "4096", R"("4096")"},
        {"restart_steps", "0", "-"},
        {"restart_steps", "8", R"("8")"},
        {"restart_max_delay_sec", "infinity", "-"},
        {"restart_max_delay_sec", "60", R"("1min")"},
        {"restart_reset_sec", "infinity", "-"},
        {"restart_reset_sec", "1h", R"("1h")"},
        {"success_action", "none", "-"},
        {"success_action", "exit", R"("exit")"},
        {"failure_action", "exit", R"("exit")"},
        {"start_limit_action", "exit", R"("exit")"},
        {"success_action_exit_status", "0", R"("0")"},
        {"success_action_exit_status", "", "-"},
        {"failure_action_exit_status", "255", R"("255")"},
        {"on_failure", "alert page@2", R"(["alert","page@2"])"},
        {"on_failure", "", "-"},
        {"on_success", "next", R"(["next"])"},
        {"restart", "on-watchdog", R"("on-watchdog")"},
    }));
    CAPTURE(key, value);
    const auto [program, problems] = parse_key(key, text(value));
    for (const std::string& problem : problems)
        CHECK(problem.find("warning") != std::string::npos); // validate's tests tell which
    CHECK(canonical(program, key) == written);
}

TEST_CASE("what the values mean", "[program_keys]")
{
    const auto program = [](const std::string& key, const std::string& value) {
        return parse_key(key, text(value)).program;
    };
    CHECK(program("type", "notify-reload").type == service_type::notify_reload);
    for (const char* type : {"forking", "notify", "notify-reload"}) {
        CHECK(program("type", type).timeout_start == 90s);
        CHECK(program("type", type).restart == restart_mode::always);
    }
    CHECK(program("condition_path_exists", "|!/a").condition_path_exists ==
          std::vector{path_condition{"/a", true, true}});
    CHECK(program("watchdog_sec", "infinity").watchdog == 0s);
    CHECK(program("watchdog_sec", "3").watchdog == 3s);
    CHECK(program("timeout_abort_sec", "0").timeout_abort == 0s);
    CHECK(program("timeout_abort_sec", "infinity").timeout_abort == infinity);
    CHECK_FALSE(program("timeout_abort_sec", "").timeout_abort);
    CHECK(program("timeout_stop_failure_mode", "abort").timeout_stop_failure == timeout_failure_mode::abort);
    CHECK(program("timeout_start_failure_mode", "kill").timeout_start_failure == timeout_failure_mode::kill);
    CHECK(program("failure_action_exit_status", "0").failure_action_exit_status == 0);
    CHECK_FALSE(program("failure_action_exit_status", "").failure_action_exit_status);
    CHECK(program("restart", "on-watchdog").restart == restart_mode::on_watchdog);
    CHECK(program("on_success", "a b@3").on_success == texts{"a", "b@3"});
}

TEST_CASE("lists of paths and of programs", "[program_keys]")
{
    const auto conditions = [](config_value value) {
        const outcome o = parse_key("condition_path_exists", std::move(value));
        CHECK(o.problems == texts{});
        return o.program.condition_path_exists;
    };
    using paths = std::vector<path_condition>;
    CHECK(conditions(list({text("/a"), text("!/b"), text("|/c")})) ==
          paths{{"/a", false, false}, {"/b", true, false}, {"/c", false, true}});
    CHECK(conditions(list({text("/a"), text(""), text("/b")})) == paths{{"/b", false, false}});
    CHECK(conditions(list({})).empty());
    CHECK(conditions({}).empty());
    CHECK(parse_key("on_failure", list({text("a"), text("b@1")})).program.on_failure == texts{"a", "b@1"});
    CHECK(parse_key("on_failure", {}).problems == texts{});
}

TEST_CASE("values that are refused, with their sentence", "[program_keys]")
{
    const std::string none_or_exit =
        "' is refused: procctl ends itself at most, never the machine; allowed are none, exit";
    const auto [key, value, sentence] = GENERATE_COPY(table<const char*, const char*, std::string>({
        {"type", "dbus",
         "'dbus' is refused: procctl is not on the bus and cannot see the program take its name "
         "there; use notify"},
        {"type", "idle",
         "'idle' is refused: it holds a program back so that its output does not mix with that "
         "of a boot on the console; use simple"},
        {"type", "notify_reload",
         "unknown value 'notify_reload'; allowed are simple, exec, forking, oneshot, "
         "notify, notify-reload"},
        {"exit_type", "group", "unknown value 'group'; allowed are main, cgroup"},
        {"condition_path_exists", "a", "'a' is not an absolute path"},
        {"condition_path_exists", "!a", "'a' is not an absolute path"},
        {"condition_path_exists", "! /a", "' /a' is not an absolute path"},
        {"condition_path_exists", "!", "'!': a path stands behind the prefix '|', '!' or '|!'"},
        {"condition_path_exists", "!|/a", "'!|/a': a path stands behind the prefix '|', '!' or '|!'"},
        {"condition_path_exists", "!!/a", "'!!/a': a path stands behind the prefix '|', '!' or '|!'"},
        {"assert_path_exists", "%n", "'%n' is not an absolute path"},
        {"pid_file", "/run/", "'/run/' is a folder: name a file in it"},
        {"guess_main_pid", "maybe",
         "'maybe' is neither yes nor no; allowed are yes, no, true, false, on, off, 1, 0"},
        {"notify_access", "yes", "unknown value 'yes'; allowed are none, main, exec, all"},
        {"notify_access", "", "a value is missing"},
        {"watchdog_sec", "", "a value is missing"},
        {"watchdog_signal", "0", "invalid signal '0': numbers go from 1 to 64"},
        {"timeout_start_failure_mode", "term", "unknown value 'term'; allowed are terminate, abort, kill"},
        {"timeout_stop_failure_mode", "", "a value is missing"},
        {"runtime_randomized_extra_sec", "infinity", "'infinity' is no time that one could be drawn from"},
        {"file_descriptor_store_max", "4097", "'4097' is not a whole number from 0 to 4096"},
        {"restart_steps", "-1", "'-1' is not a whole number from 0 to 2147483647"},
        {"success_action", "reboot", "'reboot" + none_or_exit},
        {"failure_action", "poweroff-force", "'poweroff-force" + none_or_exit},
        {"start_limit_action", "soft-reboot", "'soft-reboot" + none_or_exit},
        {"failure_action", "exit-force",
         "'exit-force' is refused: procctl does not leave programs behind that "
         "nobody looks after; write exit"},
        {"failure_action", "quit", "unknown value 'quit'; allowed are none, exit"},
        {"success_action_exit_status", "256", "'256' is not a whole number from 0 to 255"},
        {"failure_action_exit_status", "-1", "'-1' is not a whole number from 0 to 255"},
        {"on_failure", "@batch", "'@batch' is a tag: name the programs themselves"},
        {"on_failure", "w*", "'w*' is a pattern: name the programs themselves"},
        {"on_success", "alert@%n", "'alert@%n': specifiers are not expanded here"},
        {"on_success", "all", "invalid name 'all': in a command it means every program"},
    }));
    CAPTURE(key, value);
    CHECK(parse_key(key, text(value)).problems ==
          texts{"f:2:15: error: " + std::string(key) + ": " + sentence});
}

TEST_CASE("the items of a list are reported at their own places", "[program_keys]")
{
    const auto placed = [](std::string value, int line) {
        config_value item = text(std::move(value));
        item.line = line;
        item.column = 7;
        return item;
    };
    CHECK(parse_key("on_failure", list({placed("a", 3), placed("b*", 4), placed("@c", 5)})).problems ==
          texts{"f:4:7: error: on_failure: 'b*' is a pattern: name the programs themselves",
                "f:5:7: error: on_failure: '@c' is a tag: name the programs themselves"});
    CHECK(parse_key("assert_path_exists", list({placed("/a", 3), placed("b", 4)})).problems ==
          texts{"f:4:7: error: assert_path_exists: 'b' is not an absolute path"});
}
