#include "daemon/core/environment_file.h"
#include "tests/support/catch.h"

using namespace procctl;

TEST_CASE("environment files as systemd reads them", "[environment_file]")
{
    const auto [text, expected] = GENERATE(table<const char*, environment>({
        {"", {}},
        {"A=1", {{"A", "1"}}},
        {"A=1\nB=2\n", {{"A", "1"}, {"B", "2"}}},
        {"A=1\r\nB=2\r\n", {{"A", "1"}, {"B", "2"}}},
        {"# comment\n; another\n  # indented\nA=1", {{"A", "1"}}},
        {"A=1 # no comment", {{"A", "1 # no comment"}}},
        {"# comment \\\nA=1", {{"A", "1"}}}, // a comment does not go on, as from systemd 254
        {"  A = 1  ", {{"A", "1"}}},
        {"A=", {{"A", ""}}},
        {"A=\nB=2", {{"A", ""}, {"B", "2"}}},
        {"A=a b\tc ", {{"A", "a b\tc"}}},
        {"A='a b ' ", {{"A", "a b "}}},
        {"A=\"a b \"", {{"A", "a b "}}},
        {"A='a'\"b\"", {{"A", "ab"}}},
        {"A='a' b", {{"A", "ab"}}},
        {"A=a'b'", {{"A", "a'b'"}}}, // a quote only at the beginning
        {"A='a\nb'", {{"A", "a\nb"}}},
        {"A=\"a\nb\"\nB=1", {{"A", "a\nb"}, {"B", "1"}}},
        {"A=a\\\nb", {{"A", "ab"}}},
        {"A=\\\nb", {{"A", "b"}}},
        {"A=\"a\\\nb\"", {{"A", "ab"}}},
        {"A=a\\nb", {{"A", "anb"}}}, // an escape outside quotes only takes the backslash away
        {"A=\"\\\" \\\\ \\` \\$ \\n\"", {{"A", "\" \\ ` $ \\n"}}},
        {"A='\\n'", {{"A", "\\n"}}},
        {"A=a\\ ", {{"A", "a "}}}, // an escaped blank is kept
        {"A=1\nA=2", {{"A", "2"}}},
        {"A=1\nB=2\nA=3", {{"A", "3"}, {"B", "2"}}},
        {"A=a=b", {{"A", "a=b"}}},
        {"A='unclosed", {{"A", "unclosed"}}},
        {"A=a\\", {{"A", "a"}}},
        {"A=$B ${C} %i", {{"A", "$B ${C} %i"}}}, // nothing is expanded
    }));
    CAPTURE(text);
    diagnostics problems;
    CHECK(parse_environment_file(text, "env", problems) == expected);
    CHECK(problems.empty());
}

TEST_CASE("a bad line is skipped and reported", "[environment_file]")
{
    diagnostics problems;
    const auto variables = parse_environment_file("A=1\nno assignment\n\nexport B=2\n1C=3\nD='\n'\n=4\nE=5",
                                                  "/etc/env", problems);
    CHECK(variables == environment{{"A", "1"}, {"D", "\n"}, {"E", "5"}});
    REQUIRE(problems.size() == 4);
    CHECK(problems[0].text() == "/etc/env:2:1: warning: 'no assignment' is not an assignment, it is skipped: "
                                "write NAME=value");
    CHECK(problems[1].where.line == 4);
    CHECK(problems[1].message.find("leave out 'export'") != std::string::npos);
    CHECK(problems[2].where.line == 5);
    CHECK(problems[3].where.line == 8);
}

TEST_CASE("what is no text is an error", "[environment_file]")
{
    diagnostics problems;
    SECTION("a NUL")
    {
        CHECK(parse_environment_file(std::string_view("A=1\nB=\0", 7), "env", problems).empty());
        REQUIRE(has_errors(problems));
        CHECK(problems[0].where == source_position{"env", 2, 3});
    }
    SECTION("invalid UTF-8")
    {
        CHECK(parse_environment_file("A=1\nB=\xff", "env", problems).empty());
        REQUIRE(has_errors(problems));
        CHECK(problems[0].where == source_position{"env", 2, 3});
    }
}

TEST_CASE("names of variables", "[environment_file]")
{
    for (const char* good : {"A", "_", "a1", "PATH", "_A_1"})
        CHECK(is_variable_name(good));
    for (const char* bad : {"", "1", "A-B", "A B", "A=", "ä", "A.B"})
        CHECK_FALSE(is_variable_name(bad));
}
