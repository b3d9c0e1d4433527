#include "daemon/core/program_keys.h"
#include "tests/support/catch.h"
#include "tests/support/parsed_program.h"

using namespace procctl;
using namespace procctl::test;

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

TEST_CASE("every list of commands has the forms of exec_start", "[program_keys]")
{
    const auto [key, which] = GENERATE(table<const char*, exec_command>({
        {"exec_condition", exec_command::condition},
        {"exec_start_pre", exec_command::start_pre},
        {"exec_start_post", exec_command::start_post},
        {"exec_reload", exec_command::reload},
        {"exec_stop", exec_command::stop},
        {"exec_stop_post", exec_command::stop_post},
    }));
    CAPTURE(key);
    CHECK(to_text(which) == key);
    const std::string at = "f:2:15: error: " + std::string(key) + ": ";
    SECTION("a text")
    {
        const auto [program, problems] = parse_key(key, text("-/bin/kill -HUP $MAINPID"));
        CHECK(problems == texts{});
        CHECK(commands_of(program, which) == std::vector{command{{"/bin/kill", "-HUP", "$MAINPID"}, true}});
        CHECK(to_json(*format_program(program).find(key)) == R"("-/bin/kill -HUP $MAINPID")");
    }
    SECTION("a list of plain values is one argv")
    {
        const auto [program, problems] = parse_key(key, list({text("/bin/x"), text("a b"), text("c")}));
        CHECK(problems == texts{});
        CHECK(commands_of(program, which) == std::vector{command{{"/bin/x", "a b", "c"}}});
    }
    SECTION("several commands, for every type")
    {
        const auto [program, problems] =
            parse_key(key, list({list({text("-/bin/a"), text("x y")}), text(":/bin/b $Z")}));
        CHECK(problems == texts{});
        CHECK(commands_of(program, which) ==
              std::vector{command{{"/bin/a", "x y"}, true}, command{{"/bin/b", "$Z"}, false, false}});
        CHECK(to_json(*format_program(program).find(key)) == R"([["-/bin/a","x y"],[":/bin/b","$Z"]])");
    }
    SECTION("none")
    {
        for (const config_value& nothing : {config_value{}, text(""), list({})})
            CHECK(commands_of(parse_key(key, nothing).program, which).empty());
        CHECK(parse_key(key, text("")).problems == texts{});
    }
    SECTION("mistakes")
    {
        CHECK(parse_key(key, text("x/y")).problems ==
              texts{at +
                    "'x/y' is a relative path: write an absolute one, or a name that is looked up on PATH"});
        CHECK(parse_key(key, text("/bin/x %q")).problems.size() == 1);
        CHECK(parse_key(key, map({{"a", text("b")}})).problems ==
              texts{at + "expected a command, a list of words or a list of commands, found a map"});
        CHECK(mentions(parse_key(key, list({text("/bin/a x"), text("/bin/b")})).problems,
                       "[[/bin/a, x], [/bin/b, y]]"));
        CHECK_FALSE(parse_key(key, list({list({})})).problems.empty());
    }
}

TEST_CASE("a program without exec_start, as systemd allows it", "[program_keys]")
{
    const config_value stop = text("/bin/stop");
    const config_value yes = text("yes");
    SECTION("with exec_stop and remain_after_exit; without a type it is a oneshot")
    {
        const auto [program, problems] = parse(map({{"exec_stop", stop}, {"remain_after_exit", yes}}));
        CHECK(problems == texts{});
        CHECK(program.type == service_type::oneshot);
        CHECK(program.restart == restart_mode::no);
        CHECK(program.timeout_start == infinity);
        CHECK(to_json(format_program(program)) ==
              R"({"type":"oneshot","exec_stop":"/bin/stop","remain_after_exit":"yes"})");
    }
    SECTION("with success_action")
    {
        CHECK(parse(map({{"success_action", text("exit")}})).problems == texts{});
        CHECK(parse(map({{"success_action", text("exit")}, {"type", text("oneshot")}})).problems == texts{});
    }
    SECTION("and where it does not")
    {
        CHECK(parse(map({{"remain_after_exit", yes}, {"type", text("oneshot")}})).problems ==
              texts{"f: error: the program 'web' has no 'exec_start'"});
        CHECK(parse(map({{"exec_stop", stop}})).problems ==
              texts{"f: error: the program 'web' has no 'exec_start': without one it needs "
                    "'remain_after_exit: yes', or a 'success_action'"});
        CHECK(
            parse(map({{"exec_stop", stop}, {"remain_after_exit", yes}, {"type", text("exec")}})).problems ==
            texts{"f: error: the program 'web' has no 'exec_start', which only type oneshot may do without, "
                  "this is type exec"});
        CHECK(parse(map({{"success_action", text("none")}})).problems ==
              texts{"f: error: the program 'web' has no 'exec_start'"});
        CHECK(parse(map({{"success_action", text("reboot")}})).problems.size() == 1); // and no other
        CHECK(parse(map({{"exec_stop", text("x/y")}, {"remain_after_exit", yes}})).problems.size() == 1);
    }
}
