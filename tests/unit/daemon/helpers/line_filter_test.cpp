#include "daemon/helpers/line_filter.h"
#include "tests/support/catch.h"

using namespace procctl;

namespace {

bool matches(const std::string& pattern, std::string_view message)
{
    log_selection what;
    what.pattern = pattern;
    const auto filter = line_filter::make(what);
    REQUIRE(filter);
    line_facts line;
    line.message = message;
    return filter->passes(line);
}

std::string refusal_of(const std::string& pattern)
{
    log_selection what;
    what.pattern = pattern;
    const auto filter = line_filter::make(what);
    return filter ? "" : filter.error().message();
}

} // namespace

TEST_CASE("lines match an extended regular expression", "[line_filter]")
{
    CHECK(matches("err(or)?", "an error"));
    CHECK(matches("^a|b$", "xb"));
    CHECK_FALSE(matches("^b", "xb"));
    CHECK(matches("[[:digit:]]{3}", "x123"));
    CHECK(matches("", "anything"));
    CHECK(matches("c", std::string_view("a\0b\0c", 5)));
    CHECK(matches("\\\\1", "\\1"));
}

TEST_CASE("a pattern without capitals matches both cases", "[line_filter]")
{
    CHECK(matches("error", "ERROR"));
    CHECK(matches("Error", "Error"));
    CHECK_FALSE(matches("Error", "error"));
}

TEST_CASE("what is no pattern is refused with the reason", "[line_filter]")
{
    CHECK(refusal_of("a(").starts_with("the pattern 'a(' is not an extended regular expression: "));
    CHECK(refusal_of("(a)\\1") ==
          "the pattern '(a)\\1' has a back-reference (\\1); extended regular expressions have none");
}

TEST_CASE("a line's own time and stream decide, and a line without them passes", "[line_filter]")
{
    log_selection what;
    CHECK_FALSE(line_filter::make(what)->is_needed());
    what.since = 100;
    what.until = 200;
    what.stream = "stderr";
    const auto filter = line_filter::make(what);
    CHECK(filter->is_needed());
    const auto passes = [&](std::int64_t time, std::string_view stream) {
        line_facts line;
        line.time = time;
        line.stream = stream;
        return filter->passes(line);
    };
    CHECK(passes(0, ""));
    CHECK(passes(100, "stderr"));
    CHECK(passes(200, ""));
    CHECK_FALSE(passes(99, ""));
    CHECK_FALSE(passes(201, ""));
    CHECK_FALSE(passes(150, "stdout"));
}
