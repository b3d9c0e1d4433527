#include "common/exit_status.h"
#include "tests/support/catch.h"

#include <signal.h>

using namespace procctl;

TEST_CASE("how a process ended, in words", "[exit_status]")
{
    const auto [end, expected] = GENERATE(table<process_end, const char*>({
        {{exit_code_kind::never_ran, 0}, "has not run"},
        {{exit_code_kind::exited, 0}, "exited with status 0"},
        {{exit_code_kind::exited, 1}, "exited with status 1"},
        {{exit_code_kind::exited, 42}, "exited with status 42"},
        {{exit_code_kind::exited, 75}, "exited with status 75 (TEMPFAIL)"},
        {{exit_code_kind::exited, 203}, "exited with status 203 (EXEC: the command cannot be executed)"},
        {{exit_code_kind::killed, SIGKILL}, "killed by SIGKILL"},
        {{exit_code_kind::dumped, SIGSEGV}, "killed by SIGSEGV, core dumped"},
    }));
    CHECK(describe(end) == expected);
}

TEST_CASE("exit codes by number and name", "[exit_status]")
{
    CHECK(exit_code_name(203) == "EXEC");
    CHECK(exit_code_name(75) == "TEMPFAIL");
    CHECK(exit_code_name(42).empty());
    CHECK(exit_code_name(-1).empty());
    CHECK(parse_exit_code("0").value() == 0);
    CHECK(parse_exit_code("255").value() == 255);
    CHECK(parse_exit_code("USER").value() == 217);
    CHECK(parse_exit_code("CONFIG").value() == 78);
    for (const char* wrong : {"", "256", "-1", "+1", "1x", " 1", "exec", "SIGKILL"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_exit_code(wrong));
    }
    for (int code = 0; code < 256; ++code)
        if (const auto name = exit_code_name(code); !name.empty())
            CHECK(parse_exit_code(name).value() == code);
}

TEST_CASE("a set of exit statuses adds up, and an empty text clears it", "[exit_status]")
{
    exit_status_set set;
    CHECK(set.empty());
    REQUIRE(set.add("1 TEMPFAIL SIGKILL"));
    REQUIRE(set.add("\tUSR1  3 "));
    CHECK(set.format() == "1 3 75 SIGKILL SIGUSR1");

    exit_status_set again;
    REQUIRE(again.add(set.format()));
    CHECK(again == set);

    SECTION("empty") { REQUIRE(set.add("")); }
    SECTION("white space") { REQUIRE(set.add(" \t")); }
    CHECK(set.empty());
}

TEST_CASE("a word that is no status changes nothing", "[exit_status]")
{
    const std::string words = GENERATE("2 FOO", "256", "-1", "300 1", "1,2", "sigkill", "2 64.5", "+9");
    CAPTURE(words);
    exit_status_set set;
    set.add_code(1);
    CHECK_FALSE(set.add(words));
    CHECK(set.format() == "1");
}

TEST_CASE("a bare number is an exit code, never a signal", "[exit_status]")
{
    exit_status_set set;
    REQUIRE(set.add("9"));
    CHECK(set.contains({exit_code_kind::exited, 9}));
    CHECK_FALSE(set.contains({exit_code_kind::killed, SIGKILL}));
    CHECK_FALSE(set.contains({exit_code_kind::dumped, 9}));
}

TEST_CASE("a signal in a set covers death with and without a core, and no exit code", "[exit_status]")
{
    exit_status_set set;
    REQUIRE(set.add("SIGABRT 0"));
    CHECK(set.contains({exit_code_kind::killed, SIGABRT}));
    CHECK(set.contains({exit_code_kind::dumped, SIGABRT}));
    CHECK_FALSE(set.contains({exit_code_kind::exited, SIGABRT}));
    CHECK(set.contains({exit_code_kind::exited, 0}));
    CHECK_FALSE(set.contains({exit_code_kind::never_ran, 0}));
}

TEST_CASE("realtime signals read back", "[exit_status]")
{
    exit_status_set set;
    REQUIRE(set.add("RTMIN RTMIN+3 RTMAX"));
    CHECK(set.format() == "SIGRTMIN SIGRTMIN+3 SIGRTMIN+30");
}
