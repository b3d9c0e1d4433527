#include "ctl/text.h"
#include "tests/support/catch.h"
#include "tests/unit/ctl/sample_programs.h"

using namespace procctl::ctl;

TEST_CASE("nothing from a configuration steers the terminal", "[text]")
{
    CHECK(printable("a\x1b[31mb\r\n\x7f") == "a?[31mb???");
    CHECK(printable("a\xC2\x9B"
                    "31mb") == "a?31mb"); // U+009B is CSI to some terminals
    CHECK(printable("grün €") == "grün €");
    CHECK(printable("\xC2") == "\xC2");
}

TEST_CASE("characters of several bytes take one column", "[text]")
{
    CHECK(columns("") == 0);
    CHECK(columns("grün") == 4);
    CHECK(padded("ü", 3) == "ü  ");
    CHECK(padded("abc", 2) == "abc");
}

TEST_CASE("what is too long is shortened between characters", "[text]")
{
    CHECK(shortened("abc", 3) == "abc");
    CHECK(shortened("abcd", 3) == "ab…");
    CHECK(shortened("äöüß", 3) == "äö…");
    CHECK(shortened("abc", 1) == "…");
    CHECK(shortened("abc", 0).empty());
    CHECK(shortened("", 0).empty());
}

TEST_CASE("spans have at most two units", "[text]")
{
    const auto row = GENERATE(table<std::uint64_t, std::string>({{0, "0s"},
                                                                 {59, "59s"},
                                                                 {60, "1min"},
                                                                 {192, "3min 12s"},
                                                                 {3600, "1h"},
                                                                 {7500, "2h 5min"},
                                                                 {3601, "1h"},
                                                                 {86400 * 3 + 4 * 3600, "3d 4h"},
                                                                 {86400ULL * 800, "2y 70d"}}));
    CHECK(short_span(std::get<0>(row) * second) == std::get<1>(row));
}

TEST_CASE("a time is a date and how long ago", "[text]")
{
    const view how = plain_view();
    CHECK(since_text(sample_now - 192 * second, how) == "Tue 2023-11-14 22:10:08 UTC; 3min 12s ago");
    CHECK(since_text(sample_now + second, how).ends_with("; 0s ago")); // the clock was set back
}

TEST_CASE("colours only where they are wanted", "[text]")
{
    CHECK(painted("x", color::red, {}) == "x");
    CHECK(painted("x", color::red, {.color = true}) == "\x1b[1;31mx\x1b[0m");
    CHECK(painted("x", color::none, {.color = true}) == "x");
}
