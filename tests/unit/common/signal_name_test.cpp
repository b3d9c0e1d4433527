#include "common/signal_name.h"
#include "tests/support/catch.h"

#include <signal.h>

using namespace procctl;

TEST_CASE("signals by name and number", "[signal]")
{
    const auto [text, expected] = GENERATE(table<const char*, int>({
        {"SIGINT", SIGINT},
        {"INT", SIGINT},
        {"2", SIGINT},
        {"SIGKILL", SIGKILL},
        {"1", 1},
        {"64", 64},
        {"SIGRTMIN", 34},
        {"RTMIN", 34},
        {"SIGRTMIN+3", 37},
        {"RTMIN+30", 64},
        {"RTMAX", 64},
        {"RTMAX-1", 63},
        {"SIGRTMAX-30", 34},
    }));
    CAPTURE(text);
    REQUIRE(parse_signal(text));
    CHECK(*parse_signal(text) == expected);
}

TEST_CASE("what is no signal is refused", "[signal]")
{
    const std::string text = GENERATE("", "0", "65", "-1", "+9", "9 ", "SIG", "SIGFOO", "RTMIN+31", "RTMIN-1",
                                      "RTMIN3", "RTMAX+1", "RTMIN+", "SIGSIGINT", "999999999999999999999");
    CAPTURE(text);
    CHECK_FALSE(parse_signal(text));
}

TEST_CASE("a signal in small letters is refused with the spelling to write", "[signal]")
{
    CHECK(parse_signal("sigint").error().message() == "unknown signal 'sigint': write SIGINT");
    CHECK(parse_signal("rtmin+1").error().message() == "unknown signal 'rtmin+1': write SIGRTMIN+1");
}

TEST_CASE("every signal's name reads back as the signal", "[signal]")
{
    for (int signal = 1; signal <= 64; ++signal) {
        CAPTURE(signal, signal_name(signal));
        REQUIRE(parse_signal(signal_name(signal)));
        CHECK(*parse_signal(signal_name(signal)) == signal);
    }
    CHECK(signal_name(SIGINT) == "SIGINT");
    CHECK(signal_name(34) == "SIGRTMIN");
    CHECK(signal_name(37) == "SIGRTMIN+3");
    CHECK(signal_name(32) == "32"); // glibc keeps it to itself
    CHECK(SIGRTMIN == 34);
    CHECK(SIGRTMAX == 64);
}
