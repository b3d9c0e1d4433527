#include "common/resource_limit.h"
#include "daemon/core/program_keys.h"
#include "tests/support/catch.h"
#include "tests/support/parsed_program.h"

#include <algorithm>

#include <signal.h>
#include <sys/resource.h>

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

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
        {"type", "simpel", "unknown value 'simpel'; allowed are simple, exec, forking, oneshot"},
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
        {"working_directory", "%n/x", "'%n/x' is not an absolute path"},
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

TEST_CASE("all problems of a program are reported, in the order of the file", "[program_keys]")
{
    const auto [program, problems] = parse(map({{"restart", text("sometimes")},
                                                {"nonsense", text("1")},
                                                {"restart_sec", text("5x")},
                                                {"type", text("dbus")},
                                                {"exec_start", text("./x")}}));
    REQUIRE(problems.size() == 5);
    for (std::size_t n = 0; n < 5; ++n)
        CHECK(problems[n].starts_with("f:" + std::to_string(n + 1) + ":"));
}
