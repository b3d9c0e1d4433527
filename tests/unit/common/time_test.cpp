#include "common/time.h"
#include "tests/support/catch.h"

using namespace procctl;
using namespace std::chrono_literals;

TEST_CASE("durations have systemd's grammar", "[time]")
{
    const auto [text, expected] = GENERATE(table<const char*, duration>({
        {"5", 5s},
        {"5s", 5s},
        {" 5 s ", 5s},
        {"5sec", 5s},
        {"5 seconds", 5s},
        {"1second", 1s},
        {"500ms", 500ms},
        {"500msec", 500ms},
        {"7us", 7us},
        {"7usec", 7us},
        {"7µs", 7us},
        {"7μs", 7us},
        {"2m", 2min},
        {"2min", 2min},
        {"2minutes", 2min},
        {"3h", 3h},
        {"3hr", 3h},
        {"3hours", 3h},
        {"1d", 24h},
        {"2 days", 48h},
        {"1w", 168h},
        {"2weeks", 336h},
        {"1M", 2629800s},
        {"1month", 2629800s},
        {"2months", 5259600s},
        {"1y", 31557600s},
        {"1year", 31557600s},
        {"1min 30s", 90s},
        {"1min30s", 90s},
        {"1min30", 90s},
        {"1min 30", 90s},
        {"5 6", 11s},
        {"1.5h", 90min},
        {".5s", 500ms},
        {"3.1s.2", 3300ms},
        {"3.1 sec 1.2 sec", 4300ms},
        {"0.0000009", 0us}, // below the resolution
        {"+3s", 3s},
        {"0", 0s},
        {"infinity", infinity},
        {" infinity ", infinity},
    }));
    CAPTURE(text);
    const auto parsed = parse_duration(text);
    REQUIRE(parsed);
    CHECK(*parsed == expected);
}

TEST_CASE("what a plain number counts may be told", "[time]")
{
    CHECK(parse_duration("5", 1us).value() == 5us);
    CHECK(parse_duration("1s 5", 1us).value() == 1000005us);
}

TEST_CASE("what is no duration is refused with the part that is wrong", "[time]")
{
    const auto [text, part] = GENERATE(table<const char*, const char*>({
        {"", "empty"},
        {"   ", "empty"},
        {"abc", "'abc' is not a unit"},
        {"5x", "'x' is not a unit"},
        {"5 parsecs", "'parsecs' is not a unit"},
        {"5sfoo", "'foo' is not a unit"},
        {"5S", "'S' is not a unit"},
        {"-5s", "may not be negative"},
        {"-0", "may not be negative"},
        {"5s -1s", "may not be negative"},
        {"12.34.56", "is not a unit"},
        {"3.", "number is missing"},
        {"3. 1", "number is missing"},
        {"3.s", "'s' is not a unit"},
        {"3.+1", "'+' is not a unit"},
        {"+", "number is missing"},
        {"s", "'s' is not a unit"},
        {"infinity 5s", "'infinity' is not a unit"},
        {"5s infinity", "'infinity' is not a unit"},
        {"99999999999999999999", "too large"},
        {"9223372036854775807us", "too large"},
        {"292278y", "too large"},
        {"292270y 292270y", "too large"},
        {"292271.9y", "too large"},
    }));
    CAPTURE(text);
    const auto parsed = parse_duration(text);
    REQUIRE_FALSE(parsed);
    CAPTURE(parsed.error().message());
    CHECK(parsed.error().message().find(part) != std::string::npos);
}

TEST_CASE("a duration is written the short way, and read back the same", "[time]")
{
    const auto [value, expected] = GENERATE(table<duration, const char*>({
        {0s, "0"},
        {1us, "1us"},
        {100ms, "100ms"},
        {1500us, "1.5ms"},
        {1s, "1s"},
        {1500ms, "1.5s"},
        {1000001us, "1.000001s"},
        {90s, "1min 30s"},
        {61500ms, "1min 1.5s"},
        {60s + 1us, "1min 1us"},
        {1h, "1h"},
        {25h, "1d 1h"},
        {24h * 8, "1w 1d"},
        {duration(2629800s), "1month"},
        {duration(31557600s), "1y"},
        {infinity, "infinity"},
        {infinity - 1us, "292271y 1w 1d 10h 54.775806s"},
    }));
    CAPTURE(expected);
    const std::string text = format_duration(value);
    const auto parsed = parse_duration(text);
    REQUIRE(parsed);
    CHECK(*parsed == value);
    CHECK(text == expected);
}

TEST_CASE("later() never overflows", "[time]")
{
    const time_point t{5s};
    CHECK(later(t, 2s) == time_point{7s});
    CHECK(later(t, infinity) == never);
    CHECK(later(t, infinity - 1us) == never);
    CHECK(later(never, 0s) == never);
}
