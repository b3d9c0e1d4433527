#include "common/size.h"
#include "tests/support/catch.h"

using namespace procctl;

TEST_CASE("sizes have systemd's grammar, base 1024", "[size]")
{
    const auto [text, expected] = GENERATE(table<const char*, std::uint64_t>({
        {"0", 0},
        {"4096", 4096},
        {"1B", 1},
        {"1K", 1024},
        {"50M", 50ULL << 20},
        {" 50 M ", 50ULL << 20},
        {"1G", 1ULL << 30},
        {"2T", 2ULL << 40},
        {"1P", 1ULL << 50},
        {"1E", 1ULL << 60},
        {"1.5G", 3ULL << 29},
        {"0.5K", 512},
        {"1G 500M", (1ULL << 30) + (500ULL << 20)},
        {"1K1", 1025},
        {"9223372036854775807", INT64_MAX},
        {"infinity", unlimited_size},
    }));
    CAPTURE(text);
    const auto parsed = parse_size(text);
    REQUIRE(parsed);
    CHECK(*parsed == expected);
}

TEST_CASE("what is no size is refused with the reason", "[size]")
{
    const auto [text, part] = GENERATE(table<const char*, const char*>({
        {"", "empty"},
        {" ", "empty"},
        {"-1", "negative"},
        {"M", "a number is missing"},
        {"50MB", "a unit is one letter"}, // systemd's grammar has one letter
        {"unlimited", "write infinity"},
        {"50m", "'m' is not understood"},
        {"50X", "'X' is not understood"},
        {"1.M", "digits are missing"},
        {"500M 1G", "is not understood"},
        {"8E", "too large"},
        {"9223372036854775808", "too large"},
        {"99999999999999999999999", "too large"},
        {"7E 1024P", "too large"},
    }));
    CAPTURE(text);
    const auto parsed = parse_size(text);
    REQUIRE_FALSE(parsed);
    CAPTURE(parsed.error().message());
    CHECK(parsed.error().message().find(part) != std::string::npos);
}

TEST_CASE("a size is written the short way", "[size]")
{
    const auto [bytes, expected] = GENERATE(table<std::uint64_t, const char*>({
        {0, "0"},
        {1, "1"},
        {1024, "1K"},
        {4097, "4097"},
        {50ULL << 20, "50M"},
        {1536ULL << 20, "1536M"},
        {1ULL << 60, "1E"},
        {INT64_MAX, "9223372036854775807"},
        {unlimited_size, "infinity"},
    }));
    CHECK(format_size(bytes) == expected);
    CHECK(parse_size(expected).value() == bytes);
}
