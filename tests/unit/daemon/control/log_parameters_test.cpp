#include "daemon/control/log_parameters.h"
#include "tests/support/catch.h"

using namespace procctl;

namespace {

result<log_selection> read(const std::string& query)
{
    const auto target = parse_request_target("/v1/log?" + query);
    REQUIRE(target);
    return read_log_selection(*target);
}

} // namespace

TEST_CASE("how many lines are meant when nobody says so", "[log_parameters]")
{
    CHECK(read("")->lines == 10U);
    CHECK(read("follow")->lines == 10U);
    CHECK(read("follow&grep=x")->lines == 10U);
    CHECK(read("stream=stderr")->lines == 10U);
    CHECK_FALSE(read("grep=x")->lines);
    CHECK_FALSE(read("since=1")->lines);
    CHECK_FALSE(read("since=1&follow")->lines);
    CHECK_FALSE(read("until=1")->lines);
    CHECK(read("since=1&lines=0")->lines == 0U);
    CHECK_FALSE(read("lines=all")->lines);
}

TEST_CASE("every parameter is a member", "[log_parameters]")
{
    const log_selection all{.lines = 1'000'000,
                            .follow = true,
                            .since = 1'795'197'389'000'005,
                            .until = {},
                            .stream = "stdout",
                            .pattern = "a|b",
                            .output = log_output::json,
                            .has_color = true};
    CHECK(
        *read(
            "lines=1000000&follow=true&since=1795197389000005&stream=stdout&grep=a|b&output=json&color=1") ==
        all);
    CHECK(read("until=7")->until == 7);
}

TEST_CASE("what a parameter cannot be is refused, with what it can be", "[log_parameters]")
{
    const auto [query, message] = GENERATE(table<std::string, std::string>({
        {"lines=1000001", "the parameter 'lines' is '1000001'; it is a number from 0 to 1000000, or all"},
        {"lines=-1", "the parameter 'lines' is '-1'; it is a number from 0 to 1000000, or all"},
        {"lines=", "the parameter 'lines' is ''; it is a number from 0 to 1000000, or all"},
        {"since=now", "the parameter 'since' is 'now'; it is a number of microseconds since the epoch"},
        {"until=-5", "the parameter 'until' is '-5'; it is a number of microseconds since the epoch"},
        {"since=2&until=1", "the parameter 'since' names a later time than 'until'"},
        {"follow&until=1", "the parameters 'follow' and 'until' exclude each other"},
        {"stream=both", "the parameter 'stream' is 'both'; it is stdout or stderr"},
        {"output=text", "the parameter 'output' is 'text'; it is raw or json"},
        {"color=red", "the parameter 'color' is 'red'; it is true or false"},
        {"grep=" + std::string(1001, 'x'), "the parameter 'grep' is longer than 1000 bytes"},
    }));
    CAPTURE(query);
    const auto got = read(query);
    REQUIRE_FALSE(got);
    CHECK(got.error().message() == message);
}
