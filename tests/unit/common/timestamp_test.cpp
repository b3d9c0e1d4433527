#include "common/timestamp.h"
#include "tests/support/catch.h"

#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

using namespace procctl;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t now = 1'795'197'389 * second + 5; // Fri 2026-11-20 17:56:29 UTC

// A time zone for one test; a rule of POSIX needs no database.
class zone {
public:
    explicit zone(const char* rule)
    {
        if (const char* const old = std::getenv("TZ")) old_ = old;
        ::setenv("TZ", rule, 1);
        ::tzset();
    }
    zone(const zone&) = delete;
    zone& operator=(const zone&) = delete;
    ~zone()
    {
        if (old_)
            ::setenv("TZ", old_->c_str(), 1);
        else
            ::unsetenv("TZ");
        ::tzset();
    }

private:
    std::optional<std::string> old_;
};

constexpr const char* berlin = "CET-1CEST,M3.5.0,M10.5.0/3";

std::string read(std::string_view text)
{
    const auto time = parse_timestamp(text, now);
    return time ? format_rfc3339(*time) : "?";
}

} // namespace

TEST_CASE("times as people write them", "[timestamp]")
{
    const zone here(berlin);
    const auto [text, expected] = GENERATE(table<const char*, const char*>({
        {"2026-11-20 17:56:29", "2026-11-20T16:56:29.000000Z"},
        {"2026-07-20 17:56:29", "2026-07-20T15:56:29.000000Z"},
        {"2026-11-20 17:56", "2026-11-20T16:56:00.000000Z"},
        {"2026-11-20 9:05", "2026-11-20T08:05:00.000000Z"},
        {"2026-11-20 17:56:29.5", "2026-11-20T16:56:29.500000Z"},
        {"2026-11-20 17:56:29.1234567", "2026-11-20T16:56:29.123456Z"},
        {"2026-11-20", "2026-11-19T23:00:00.000000Z"},
        {"17:56", "2026-11-20T16:56:00.000000Z"},
        {"17:56:01", "2026-11-20T16:56:01.000000Z"},
        {"Fri 2026-11-20 17:56:29", "2026-11-20T16:56:29.000000Z"},
        {"friday, 2026-11-20", "2026-11-19T23:00:00.000000Z"},
        {"2026-11-20 17:56:29 UTC", "2026-11-20T17:56:29.000000Z"},
        {"2026-11-20 UTC", "2026-11-20T00:00:00.000000Z"},
        {"2026-11-20T17:56:29Z", "2026-11-20T17:56:29.000000Z"},
        {"2026-11-20T17:56:29.25-03:30", "2026-11-20T21:26:29.250000Z"},
        {"2026-11-20T17:56:29", "2026-11-20T16:56:29.000000Z"},
        {"2024-02-29 00:00:00 UTC", "2024-02-29T00:00:00.000000Z"},
        {"now", "2026-11-20T17:56:29.000005Z"},
        {"today", "2026-11-19T23:00:00.000000Z"},
        {"yesterday", "2026-11-18T23:00:00.000000Z"},
        {"tomorrow", "2026-11-20T23:00:00.000000Z"},
        {"-2h", "2026-11-20T15:56:29.000005Z"},
        {"2h ago", "2026-11-20T15:56:29.000005Z"},
        {"-1h 30min", "2026-11-20T16:26:29.000005Z"},
        {"90 ago", "2026-11-20T17:54:59.000005Z"},
        {"+5min", "2026-11-20T18:01:29.000005Z"},
        {"5min left", "2026-11-20T18:01:29.000005Z"},
        {"100y ago", "1970-01-01T00:00:00.000000Z"},
        {"@1795197389", "2026-11-20T17:56:29.000000Z"},
        {"@0.5", "1970-01-01T00:00:00.500000Z"},
        {"  now ", "2026-11-20T17:56:29.000005Z"},
    }));
    CAPTURE(text);
    CHECK(read(text) == expected);
}

TEST_CASE("a day of 23 hours begins and ends at midnight", "[timestamp]")
{
    const zone here(berlin);
    CHECK(read("2026-03-29") == "2026-03-28T23:00:00.000000Z");
    CHECK(read("2026-03-30") == "2026-03-29T22:00:00.000000Z");
    const auto after = parse_timestamp("2026-03-30 12:00", now);
    REQUIRE(after);
    CHECK(format_rfc3339(parse_timestamp("yesterday", *after).value()) == "2026-03-28T23:00:00.000000Z");
}

TEST_CASE("what is no time is refused with what is one", "[timestamp]")
{
    const std::string text =
        GENERATE(as<std::string>{}, "", " ", "noon", "2026-02-29", "2026-13-01", "2026-00-01", "26-11-20",
                 "24:00", "17:60", "17", "2026-11-20 17", "2026-11-20 17:56:29 MEZ", "2026-11-20T17:56:29+1",
                 "Mon 2026-11-20", "Mon", "Mon 17:56", "-", "-2parsecs", "+infinity", "ago", " ago", "@",
                 "@-1", "@99999999999999999999", "@1x", "1969-12-31", "17:56:29.", "2026-11-20 17:56:29x");
    CAPTURE(text);
    const auto time = parse_timestamp(text, now);
    REQUIRE_FALSE(time);
    CHECK(time.error().message().starts_with("'" + text + "' is not a time since 1970; it is "));
    CHECK(time.error().message().find("\"2h ago\"") != std::string::npos);
}

TEST_CASE("the time before a line", "[timestamp]")
{
    const zone here(berlin);
    const auto [text, expected, size] = GENERATE(table<const char*, const char*, std::size_t>({
        {"2026-11-20T17:56:29.123456Z GET /", "2026-11-20T17:56:29.123456Z", 27},
        {"2026-11-20T17:56:29Z", "2026-11-20T17:56:29.000000Z", 20},
        {"2026-11-20T17:56:29.123456+01:00 x", "2026-11-20T16:56:29.123456Z", 32},
        {"2026-11-20T17:56:29.123456+0100 x", "2026-11-20T16:56:29.123456Z", 31},
        {"2026-11-20 17:56:29.123456 x", "2026-11-20T16:56:29.123456Z", 26},
        {"2026-11-20 17:56:29 +x", "2026-11-20T16:56:29.000000Z", 19},
    }));
    CAPTURE(text);
    const auto found = read_leading_time(text);
    REQUIRE(found);
    CHECK(format_rfc3339(found->time) == expected);
    CHECK(found->size == size);
    for (const char* const none : {"", "GET /", "2026-11-20", "2026-11-20T17:56 x", "2026-11-20T7:56:29Z",
                                   "2026-11-31T17:56:29Z", "1969-12-31T23:59:59Z"})
        CHECK_FALSE(read_leading_time(none));
}
