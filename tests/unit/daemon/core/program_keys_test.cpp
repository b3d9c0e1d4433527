#include "common/resource_limit.h"
#include "daemon/core/program_keys.h"
#include "tests/support/catch.h"

#include <algorithm>

#include <signal.h>
#include <sys/resource.h>

using namespace procctl;
using namespace std::chrono_literals;

namespace {

using texts = std::vector<std::string>;

config_value text(std::string value) { return config_value::scalar(std::move(value)); }

config_value list(std::vector<config_value> items)
{
    config_value value;
    value.type = config_value::kind::list;
    value.items = std::move(items);
    return value;
}

config_value map(std::vector<std::pair<std::string, config_value>> entries)
{
    config_value value;
    value.type = config_value::kind::map;
    int line = 0;
    for (auto& [key, content] : entries) {
        value.entries.emplace_back(text(key), std::move(content));
        value.entries.back().first.line = value.entries.back().second.line = ++line;
        value.entries.back().first.column = 5;
        value.entries.back().second.column = 15;
    }
    return value;
}

struct outcome {
    program_config program;
    texts problems;
};

outcome parse(const config_value& keys)
{
    diagnostics out;
    outcome result;
    result.program = parse_program("web", keys, "f", out);
    for (const diagnostic& d : out)
        result.problems.push_back(d.text());
    return result;
}

// A program with one key besides a command.
outcome parse_key(const std::string& key, config_value value)
{
    return parse(map({{"exec_start", text("/bin/x")}, {key, std::move(value)}}));
}

bool mentions(const texts& problems, std::string_view part)
{
    return std::ranges::any_of(problems,
                               [&](const std::string& p) { return p.find(part) != std::string::npos; });
}

} // namespace

TEST_CASE("the least program, and its defaults", "[program_keys]")
{
    const auto [program, problems] = parse(map({{"exec_start", text("/bin/x a 'b c'")}}));
    CHECK(problems.empty());
    program_config expected;
    expected.name = "web";
    expected.exec_start = {command{{"/bin/x", "a", "b c"}}};
    CHECK(program == expected);
    CHECK(program.restart == restart_mode::always);
    CHECK(program.timeout_start == 90s);
}

TEST_CASE("defaults that depend on the type, wherever it stands", "[program_keys]")
{
    const auto [program, problems] = parse(map({{"exec_start", text("/bin/x")}, {"type", text("oneshot")}}));
    CHECK(problems.empty());
    CHECK(program.restart == restart_mode::no);
    CHECK(program.timeout_start == infinity);
    CHECK(program.timeout_stop == 90s);
}

TEST_CASE("the default that the table tells is the default", "[program_keys]")
{
    for (const program_key& key : program_keys()) {
        CAPTURE(key.name);
        CHECK_FALSE(key.doc.empty());
        CHECK_FALSE(key.allowed.empty());
        if (key.default_text.empty()) continue;
        const std::string told(key.default_text.substr(0, key.default_text.find(" (")));
        const auto [program, problems] = parse_key(std::string(key.name), text(told));
        CHECK(problems.empty());
        CHECK(key.format(program).type == config_value::kind::null);
    }
}

TEST_CASE("every key can be found by its name, once", "[program_keys]")
{
    texts names;
    for (const program_key& key : program_keys()) {
        CHECK(find_program_key(key.name) == &key);
        names.emplace_back(key.name);
    }
    std::ranges::sort(names);
    CHECK(std::ranges::adjacent_find(names) == names.end());
    CHECK(find_program_key("nonsense") == nullptr);
    for (int n = 0; n < RLIMIT_NLIMITS; ++n) // the rows of limits know theirs by number
        CHECK(std::ranges::count(
                  names, "limit_" + std::string(limit_names()[static_cast<std::size_t>(n)].key)) == 1);
}

TEST_CASE("the three forms of exec_start", "[program_keys]")
{
    SECTION("a list of plain values is one argv")
    {
        const auto [program, problems] =
            parse(map({{"exec_start", list({text("-/bin/sh"), text("-c"), text("echo 'a  b'")})}}));
        CHECK(problems.empty());
        CHECK(program.exec_start == std::vector{command{{"/bin/sh", "-c", "echo 'a  b'"}, true, true}});
    }
    SECTION("a list that contains a list is a list of commands")
    {
        const auto [program, problems] =
            parse(map({{"type", text("oneshot")},
                       {"exec_start", list({list({text("/bin/a"), text("x y")}), text(":/bin/b $Z")})}}));
        CHECK(problems.empty());
        CHECK(program.exec_start ==
              std::vector{command{{"/bin/a", "x y"}}, command{{"/bin/b", "$Z"}, false, false}});
    }
    SECTION("commands as plain texts in a list are refused with the right form")
    {
        const auto [program, problems] = parse(
            map({{"type", text("oneshot")}, {"exec_start", list({text("/bin/a x"), text("/bin/b y")})}}));
        REQUIRE(problems.size() == 1);
        CHECK(mentions(problems, "[[/bin/a, x], [/bin/b, y]]"));
    }
    SECTION("several commands are for oneshot only")
    {
        const auto [program, problems] =
            parse(map({{"exec_start", list({list({text("/bin/a")}), text("/bin/b")})}}));
        REQUIRE(problems.size() == 1);
        CHECK(problems[0] == "f:1:5: error: exec_start: several commands are allowed for type oneshot only, "
                             "this is type simple");
    }
}

TEST_CASE("commands are checked when they are loaded", "[program_keys]")
{
    for (const char* bad : {"/bin/x %q", "/bin/x ${A", "@/bin/x", "x/y", "/bin/x 'a"}) {
        CAPTURE(bad);
        const auto [program, problems] = parse(map({{"exec_start", text(bad)}}));
        CHECK(problems.size() == 1); // and not "no exec_start" besides
    }
    for (const config_value& nothing : {config_value{}, text(""), list({})}) {
        const auto [program, problems] = parse(map({{"exec_start", nothing}}));
        REQUIRE(problems.size() == 1);
        CHECK(problems[0] == "f:1:5: error: the program 'web' has no 'exec_start'");
    }
    CHECK(parse(map({})).problems == texts{"f: error: the program 'web' has no 'exec_start'"});
    CHECK(parse({}).problems == texts{"f: error: the program 'web' has no 'exec_start'"});
    CHECK(mentions(parse(text("x")).problems, "expected a map of keys for the program 'web', found 'x'"));
    CHECK(mentions(parse(map({{"exec_start", map({{"a", text("b")}})}})).problems, "found a map"));
}

TEST_CASE("values that are understood", "[program_keys]")
{
    const auto good = [](const std::string& key, const std::string& value) {
        CAPTURE(key, value);
        auto [program, problems] = parse_key(key, text(value));
        CHECK(problems == texts{});
        return program;
    };
    CHECK(good("description", "a b %").description == "a b %");
    CHECK(good("type", "exec").type == service_type::exec);
    CHECK(good("instances", "4").instances == 4);
    CHECK(good("instances", "1000").instances == 1000);
    for (const char* no : {"no", "No", "false", "OFF", "0", "n", "f"})
        CHECK_FALSE(good("autostart", no).autostart);
    for (const char* yes : {"yes", "true", "on", "1", "Y", "t"})
        CHECK(good("send_sighup", yes).send_sighup);
    CHECK(good("tags", "batch night").tags == texts{"batch", "night"});
    CHECK(good("user", "www-data").user == "www-data");
    CHECK(good("user", "33").user == "33");
    CHECK(good("group", "wheel").group == "wheel");
    CHECK(good("supplementary_groups", "a b").supplementary_groups == texts{"a", "b"});
    CHECK(good("working_directory", "/srv/%i").working_directory == "/srv/%i");
    CHECK(good("working_directory", "-/srv").working_directory_optional);
    CHECK(good("working_directory", "~").working_directory == "~");
    CHECK(good("umask", "022").umask == 022);
    CHECK(good("umask", "0077").umask == 077);
    CHECK(good("nice", "-20").nice == -20);
    CHECK(good("nice", "+19").nice == 19);
    CHECK(good("oom_score_adjust", "-1000").oom_score_adjust == -1000);
    CHECK(good("restart", "on-failure").restart == restart_mode::on_failure);
    CHECK(good("restart", "no").restart == restart_mode::no);
    CHECK(good("restart_sec", "1min 30s").restart_sec == 90s);
    CHECK(good("restart_sec", "0").restart_sec == 0s);
    CHECK(good("restart_sec", "infinity").restart_sec == infinity);
    CHECK(good("start_limit_interval_sec", "0").start_limit_interval == 0s);
    CHECK(good("start_limit_burst", "0").start_limit_burst == 0);
    CHECK(good("success_exit_status", "143 SIGKILL TEMPFAIL").success_exit_status.format() ==
          "75 143 SIGKILL");
    CHECK(good("timeout_start_sec", "0").timeout_start == infinity); // as in systemd
    CHECK(good("timeout_stop_sec", "0").timeout_stop == infinity);
    CHECK(good("runtime_max_sec", "1h").runtime_max == 1h);
    CHECK(good("kill_mode", "mixed").kill == kill_mode::mixed);
    CHECK(good("kill_signal", "INT").kill_signal == SIGINT);
    CHECK(good("restart_kill_signal", "SIGHUP").restart_kill_signal == SIGHUP);
    CHECK(good("final_kill_signal", "6").final_kill_signal == SIGABRT);
    const auto both = good("timeout_sec", "7");
    CHECK(both.timeout_start == 7s);
    CHECK(both.timeout_stop == 7s);
}

TEST_CASE("values that are refused", "[program_keys]")
{
    const auto [key, value, part] = GENERATE(table<const char*, const char*, const char*>({
        {"type", "forking", "'forking' is not supported by this version of procctl"},
        {"type", "notify", "not supported by this version"},
        {"type", "simpel", "unknown value 'simpel'; allowed are simple, exec, oneshot"},
        {"instances", "0", "'0' is not a whole number from 1 to 1000"},
        {"instances", "1001", "from 1 to 1000"},
        {"instances", "-1", "from 1 to 1000"},
        {"instances", "4.0", "'4.0' is not a whole number"},
        {"instances", "99999999999999999999", "not a whole number"},
        {"instances", "+-4", "not a whole number"},
        {"instances", "", "a value is missing"},
        {"autostart", "maybe", "'maybe' is neither yes nor no"},
        {"tags", "a b/c", "a tag follows the rules of names"},
        {"user", "a b", "'a b' cannot be the name of an account"},
        {"user", "%i", "specifiers are not expanded here"},
        {"user", "65535", "not the number of an account"},
        {"user", "99999999999", "not the number of an account"},
        {"user", "-x", "cannot be the name"},
        {"group", "a:b", "cannot be the name"},
        {"supplementary_groups", "a b:c", "cannot be the name"},
        {"working_directory", "srv", "'srv' is not an absolute path"},
        {"working_directory", "-", "no path follows"},
        {"working_directory", "/srv/%x", "unknown specifier '%x'"},
        {"umask", "8", "'8' is not an octal number from 0000 to 0777"},
        {"umask", "1000", "octal"},
        {"umask", "0o22", "octal"},
        {"environment", "A", "'A' is not an assignment"},
        {"environment", "1A=x", "cannot be the name of a variable"},
        {"environment", "A='x", "never closed"},
        {"environment_file", "env", "not an absolute path"},
        {"environment_file", "-", "not an absolute path"},
        {"environment_file", "/etc/*.env", "patterns are not supported"},
        {"nice", "20", "'20' is not a whole number from -20 to 19"},
        {"oom_score_adjust", "1001", "from -1000 to 1000"},
        {"ignore_sigpipe", "2", "neither yes nor no"},
        {"restart", "on_failure", "unknown value 'on_failure'; allowed are no, always, on-success"},
        {"restart", "", "a value is missing"},
        {"restart_sec", "5 parsecs", "'parsecs' is not a unit"},
        {"restart_sec", "", "a value is missing"},
        {"start_limit_burst", "-1", "from 0 to"},
        {"success_exit_status", "1 sigkill", "invalid exit status 'sigkill'"},
        {"restart_force_exit_status", "300", "invalid exit status '300'"},
        {"kill_mode", "cgroup", "allowed are control-group, mixed, process, none"},
        {"kill_signal", "0", "invalid signal '0'"},
        {"kill_signal", "term", "write SIGTERM"},
        {"log", "/var/log/x.log", "expected a map, found '/var/log/x.log': write log: {path: …}"},
    }));
    CAPTURE(key, value);
    const auto [program, problems] = parse_key(key, text(value));
    REQUIRE(problems.size() == 1);
    CAPTURE(problems[0]);
    CHECK(problems[0].starts_with("f:2:15: error: " + std::string(key) + ": "));
    CHECK(mentions(problems, part));
}

TEST_CASE("a value of the wrong kind is refused by every key", "[program_keys]")
{
    const config_value nested = list({list({list({text("x")})})});
    const config_value strange = list({map({{"x", text("y")}})});
    for (const program_key& key : program_keys()) {
        CAPTURE(key.name);
        CHECK_FALSE(parse_key(std::string(key.name), nested).problems.empty());
        CHECK_FALSE(parse_key(std::string(key.name), strange).problems.empty());
    }
}

TEST_CASE("the environment as a map, a list or a text", "[program_keys]")
{
    using variables = std::vector<std::pair<std::string, std::string>>;
    const variables expected{{"A", "1"}, {"B", "two words"}, {"C", ""}};
    CHECK(parse_key("environment", map({{"A", text("1")}, {"B", text("two words")}, {"C", text("")}}))
              .program.environment == expected);
    CHECK(
        parse_key("environment", list({text("A=1"), text("B=two words"), text("C=")})).program.environment ==
        expected);
    CHECK(parse_key("environment", text("A=1 'B=two words' C=")).program.environment == expected);
    CHECK(parse_key("environment", list({text("A=1"), text("A=2")})).program.environment ==
          variables{{"A", "2"}});
    CHECK(parse_key("environment", list({text("A=1"), text(""), text("B=2")})).program.environment ==
          variables{{"B", "2"}});
    CHECK(parse_key("environment", map({{"A", text("a=b=%i")}})).program.environment ==
          variables{{"A", "a=b=%i"}});
    CHECK(mentions(parse_key("environment", map({{"A", {}}})).problems, "'A' has no value: write ''"));
    CHECK(mentions(parse_key("environment", map({{"A-B", text("")}})).problems, "cannot be the name"));
    CHECK(mentions(parse_key("environment", map({{"A", list({})}})).problems, "found a list"));
    CHECK(mentions(parse_key("environment", map({{"A", text("%x")}})).problems, "unknown specifier"));
}

TEST_CASE("Supervisor's commas do not separate variables", "[program_keys]")
{
    using variables = std::vector<std::pair<std::string, std::string>>;
    for (const char* commas :
         {R"(A="1",B="2")", "A=1,B=2", "A='1', B='2'", "A=1,\n  B=2", R"(A="x\"y",B=2)"}) {
        CAPTURE(commas);
        CHECK(mentions(parse_key("environment", text(commas)).problems,
                       "environment: Supervisor's commas: write a map, {A: 1, B: 2}"));
    }
    const auto read = [](config_value value) {
        const outcome o = parse_key("environment", std::move(value));
        CHECK(o.problems.empty());
        return o.program.environment;
    };
    CHECK(read(text("A=1,2,3 B=x")) == variables{{"A", "1,2,3"}, {"B", "x"}});
    CHECK(read(text("A=x,-Dy=1")) == variables{{"A", "x,-Dy=1"}});
    CHECK(read(text("'LEVELS=info,net=warn' B=x")) == variables{{"LEVELS", "info,net=warn"}, {"B", "x"}});
    CHECK(read(list({text("LEVELS=info,net=warn")})) == variables{{"LEVELS", "info,net=warn"}});
    CHECK(read(map({{"LEVELS", text("info,net=warn")}})) == variables{{"LEVELS", "info,net=warn"}});
}

TEST_CASE("environment files", "[program_keys]")
{
    CHECK(parse_key("environment_file", text("-/etc/a")).program.environment_files ==
          std::vector{environment_file{"/etc/a", true}});
    CHECK(parse_key("environment_file", list({text("/x"), text(""), text("/%p"), text("-/c")}))
              .program.environment_files ==
          std::vector{environment_file{"/%p", false}, environment_file{"/c", true}});
}

TEST_CASE("lists of exit statuses add up, and an empty one clears", "[program_keys]")
{
    const auto set = [](config_value value) {
        const auto [program, problems] = parse_key("restart_prevent_exit_status", std::move(value));
        CHECK(problems == texts{});
        return program.restart_prevent_exit_status.format();
    };
    CHECK(set(list({text("1 2"), text("SIGTERM")})) == "1 2 SIGTERM");
    CHECK(set(list({text("1 2"), text(""), text("3")})) == "3");
    CHECK(set(text("")).empty());
    CHECK(set({}).empty());
}

TEST_CASE("resource limits", "[program_keys]")
{
    const auto [key, value, expected] = GENERATE(table<const char*, const char*, resource_limit>({
        {"limit_nofile", "65536", {RLIMIT_NOFILE, 65536, 65536}},
        {"limit_nofile", "1024:4096", {RLIMIT_NOFILE, 1024, 4096}},
        {"limit_nofile", "1024:infinity", {RLIMIT_NOFILE, 1024, unlimited_size}},
        {"limit_nofile", "infinity", {RLIMIT_NOFILE, unlimited_size, unlimited_size}},
        {"limit_core", "0", {RLIMIT_CORE, 0, 0}},
        {"limit_as", "1G:1.5G", {RLIMIT_AS, 1ULL << 30, 3ULL << 29}},
        {"limit_cpu", "90", {RLIMIT_CPU, 90, 90}},
        {"limit_cpu", "1500ms:1h", {RLIMIT_CPU, 2, 3600}}, // whole seconds, never less than asked for
        {"limit_rttime", "500", {RLIMIT_RTTIME, 500, 500}},
        {"limit_rttime", "1ms:1s", {RLIMIT_RTTIME, 1000, 1000000}},
        {"limit_nice", "20", {RLIMIT_NICE, 20, 20}},
        {"limit_nice", "-5", {RLIMIT_NICE, 25, 25}},
        {"limit_nice", "+19:+0", {RLIMIT_NICE, 1, 20}},
    }));
    CAPTURE(key, value);
    const auto [program, problems] = parse_key(key, text(value));
    CHECK(problems == texts{});
    CHECK(program.limits == std::vector{expected});
    CHECK(
        parse(map({{"exec_start", text("/bin/x")}, {key, find_program_key(key)->format(program)}})).program ==
        program);
}

TEST_CASE("resource limits that are refused", "[program_keys]")
{
    const auto [key, value] = GENERATE(table<const char*, const char*>({
        {"limit_nofile", ""},
        {"limit_nofile", "many"},
        {"limit_nofile", "1:"},
        {"limit_nofile", ":1"},
        {"limit_nofile", "1:2:3"},
        {"limit_nofile", "2:1"},
        {"limit_nofile", "infinity:1"},
        {"limit_nofile", "-1"},
        {"limit_nofile", "1K"},
        {"limit_nofile", "18446744073709551615"},
        {"limit_as", "1X"},
        {"limit_cpu", "1 parsec"},
        {"limit_nice", "41"},
        {"limit_nice", "-21"},
        {"limit_nice", "+20"},
        {"limit_nice", "infinity"},
    }));
    CAPTURE(key, value);
    const auto [program, problems] = parse_key(key, text(value));
    CHECK(problems.size() == 1);
    CHECK(program.limits.empty());
}

TEST_CASE("limits are kept in the order of their numbers", "[program_keys]")
{
    const auto [program, problems] = parse(map({{"exec_start", text("/bin/x")},
                                                {"limit_nofile", text("1")},
                                                {"limit_as", text("2")},
                                                {"limit_cpu", text("3")}}));
    CHECK(problems == texts{});
    CHECK(std::ranges::is_sorted(program.limits, {}, &resource_limit::resource));
    CHECK(program.limits.size() == 3);
}

TEST_CASE("the log", "[program_keys]")
{
    CHECK(parse_key("log", map({{"path", text("/var/log/%n.log")}})).program.log_path == "/var/log/%n.log");
    CHECK(parse_key("log", map({})).problems.empty());
    CHECK(parse_key("log", {}).problems.empty());
    CHECK(mentions(parse_key("log", map({{"path", text("x.log")}})).problems, "not an absolute path"));
    CHECK(mentions(parse_key("log", map({{"path", text("/var/log/")}})).problems, "is a folder"));
    CHECK(mentions(parse_key("log", map({{"max_size", text("50M")}})).problems,
                   "'max_size' is not supported by this version of procctl"));
    CHECK(mentions(parse_key("log", map({{"pat", text("/x")}})).problems,
                   "unknown key 'pat'; allowed is path"));
}

TEST_CASE("instances that share a log file are a warning", "[program_keys]")
{
    const auto problems_of = [](const char* path) {
        return parse(map({{"exec_start", text("/bin/x")},
                          {"instances", text("2")},
                          {"log", map({{"path", text(path)}})}}))
            .problems;
    };
    CHECK(
        mentions(problems_of("/var/log/x.log"), "f:3:5: warning: log: all instances write to the same file"));
    CHECK(problems_of("/var/log/x-%i.log").empty());
    CHECK(problems_of("/var/log/%n.log").empty());
}

TEST_CASE("the later of timeout_sec and its parts counts", "[program_keys]")
{
    const auto [a, a_problems] = parse(
        map({{"exec_start", text("/bin/x")}, {"timeout_stop_sec", text("1")}, {"timeout_sec", text("5")}}));
    CHECK(a.timeout_stop == 5s);
    const auto [b, b_problems] = parse(
        map({{"exec_start", text("/bin/x")}, {"timeout_sec", text("5")}, {"timeout_stop_sec", text("1")}}));
    CHECK(b.timeout_stop == 1s);
    CHECK(b.timeout_start == 5s);
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
        {"exec_stop", "'exec_stop' is not supported by this version of procctl"},
        {"ExecStartPre", "'ExecStartPre' is not supported by this version of procctl"},
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

TEST_CASE("all problems of a program are reported, in the order of the file", "[program_keys]")
{
    const auto [program, problems] = parse(map({{"restart", text("sometimes")},
                                                {"nonsense", text("1")},
                                                {"restart_sec", text("5x")},
                                                {"type", text("notify")},
                                                {"exec_start", text("./x")}}));
    REQUIRE(problems.size() == 5);
    for (std::size_t n = 0; n < 5; ++n)
        CHECK(problems[n].starts_with("f:" + std::to_string(n + 1) + ":"));
}
