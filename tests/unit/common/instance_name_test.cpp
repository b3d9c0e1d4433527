#include "common/instance_name.h"
#include "tests/support/catch.h"

using namespace procctl;

TEST_CASE("names of programs", "[instance_name]")
{
    for (const char* good : {"a", "worker", "_x", "9lives", "a.b-c_D", "all2", "All"}) {
        CAPTURE(good);
        CHECK(check_program_name(good));
    }
    CHECK(check_program_name(std::string(128, 'a')));
    for (const char* bad :
         {"", "all", ".", "..", ".hidden", "-x", "a/b", "a b", "a@1", "a:b", "ä", "a*", "a\n"}) {
        CAPTURE(bad);
        CHECK_FALSE(check_program_name(bad));
    }
    CHECK_FALSE(check_program_name(std::string(129, 'a')));
    CHECK_FALSE(check_program_name(std::string_view("a\0b", 3)));
}

TEST_CASE("names of instances", "[instance_name]")
{
    CHECK(parse_instance_name("worker").value() == instance_name{"worker", ""});
    CHECK(parse_instance_name("worker@12").value() == instance_name{"worker", "12"});
    CHECK(parse_instance_name("worker@blue.1").value().text() == "worker@blue.1");
    for (const char* bad : {"", "@", "@1", "worker@", "a@b@c", "all", "all@1", "a@../x", "../a", "a@-1"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_instance_name(bad));
    }
    CHECK(parse_instance_name(std::string(126, 'a') + "@1"));
    CHECK_FALSE(parse_instance_name(std::string(127, 'a') + "@1"));
}

TEST_CASE("globs over names", "[instance_name]")
{
    const auto [pattern, name, expected] = GENERATE(table<const char*, const char*, bool>({
        {"*", "", true},
        {"*", "worker", true},
        {"", "", true},
        {"", "a", false},
        {"worker", "worker", true},
        {"worker", "worker2", false},
        {"work*", "worker@1", true},
        {"*er*", "worker@1", true},
        {"w?rker", "worker", true},
        {"w?rker", "wrker", false},
        {"worker@[12]", "worker@2", true},
        {"worker@[12]", "worker@3", false},
        {"worker@[1-3]", "worker@3", true},
        {"worker@[!1-3]", "worker@3", false},
        {"worker@[^1-3]", "worker@4", true},
        {"a[]]b", "a]b", true},
        {"a[-z]b", "a-b", true},
        {"a[a-]b", "a-b", true},
        {"a[bc", "a[bc", true}, // a set without an end is an ordinary character
        {"a[bc", "ab", false},
        {"*a*b*c", "xaxbxxc", true},
        {"*a*b*c", "xaxbxx", false},
        {"**", "x", true},
        {"*x", "xyx", true},
    }));
    CAPTURE(pattern, name);
    CHECK(glob_matches(pattern, name) == expected);
}

TEST_CASE("a hostile glob is answered in time", "[instance_name]")
{
    std::string pattern;
    for (int n = 0; n < 60; ++n)
        pattern += "*a";
    CHECK_FALSE(glob_matches(pattern + "b", std::string(128, 'a')));
}

TEST_CASE("what is a glob", "[instance_name]")
{
    CHECK(is_glob("a*"));
    CHECK(is_glob("a?"));
    CHECK(is_glob("a[1]"));
    CHECK_FALSE(is_glob("worker@1"));
}
