#include "daemon/core/escapes.h"
#include "tests/support/catch.h"

using namespace procctl;

TEST_CASE("escapes are resolved", "[escapes]")
{
    const auto [text, expected] = GENERATE(table<std::string, std::string>({
        {"plain", "plain"},
        {"a\\tb\\n", "a\tb\n"},
        {"\\x41\\101\\u00e4\\U0001f600", "AAä😀"},
        {"\\\\n\\s\\\"\\'", "\\n \"'"},
        {"\\x00", std::string(1, '\0')},
    }));
    REQUIRE(unescape(text, nul_bytes::allowed));
    CHECK(*unescape(text, nul_bytes::allowed) == expected);
}

TEST_CASE("wrong escapes are told with their place", "[escapes]")
{
    CHECK(unescape("ab\\q", nul_bytes::allowed).error().message() ==
          "unknown escape '\\q' at byte 3: write \\\\ for a backslash");
    CHECK_FALSE(unescape("\\", nul_bytes::allowed));
    CHECK_FALSE(unescape("\\x4", nul_bytes::allowed));
    CHECK_FALSE(unescape("\\ud800", nul_bytes::allowed));
    CHECK_FALSE(unescape("\\x00", nul_bytes::refused));
}

TEST_CASE("any bytes survive being escaped", "[escapes]")
{
    std::string bytes;
    for (int n = 0; n < 256; ++n)
        bytes += static_cast<char>(n);
    bytes += "ä😀\\n\xc3";
    const std::string text = escape(bytes);
    CHECK(*unescape(text, nul_bytes::allowed) == bytes);
    CHECK(escape("two\nlines\tand ä") == "two\nlines\tand ä");
}
