#include "daemon/core/utf8.h"
#include "tests/support/catch.h"

using namespace procctl;

TEST_CASE("UTF-8 is checked to the letter", "[utf8]")
{
    for (const char* good : {"", "a", "ä", "€", "😀", "\x7f", "\xf4\x8f\xbf\xbf"}) {
        CAPTURE(good);
        CHECK(find_invalid_utf8(good) == std::string_view::npos);
    }
    for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x80\x80", "\xed\xa0\x80",
                            "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff"}) {
        CAPTURE(bad);
        CHECK(find_invalid_utf8(bad) == 0);
        CHECK(find_invalid_utf8(std::string("ab") + bad) == 2);
    }
}

TEST_CASE("where a byte stands", "[utf8]")
{
    CHECK(position_of("abc", 0, "f") == source_position{"f", 1, 1});
    CHECK(position_of("a\nbc", 3, "f") == source_position{"f", 2, 2});
    CHECK(position_of("a\n\n", 3, "f") == source_position{"f", 3, 1});
}

TEST_CASE("a long text is cut between characters", "[utf8]")
{
    CHECK(shortened("abc") == "abc");
    CHECK(shortened(std::string(80, 'a')) == std::string(80, 'a'));
    CHECK(shortened(std::string(81, 'a')) == std::string(80, 'a') + "…");
    CHECK(shortened(std::string(79, 'a') + "ää") == std::string(79, 'a') + "…");
}
