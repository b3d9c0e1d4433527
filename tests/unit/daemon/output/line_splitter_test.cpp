#include "daemon/output/line_splitter.h"
#include "daemon/output/utf8.h"
#include "tests/support/catch.h"

#include <string>
#include <vector>

using namespace procctl::output;
using namespace std::string_literals;

namespace {

struct cut {
    std::string text;
    bool is_last;
    friend bool operator==(const cut&, const cut&) = default;
};

// As a stream does it: the bytes arrive in parts, and what is unfinished waits for more.
std::vector<cut> split(const std::vector<std::string>& parts, std::size_t longest)
{
    std::vector<cut> cuts;
    std::string held;
    for (const std::string& part : parts) {
        std::size_t searched = held.size();
        held += part;
        while (const auto piece = first_piece(held, longest, searched)) {
            cuts.push_back({std::string(piece->text), piece->is_last});
            held.erase(0, piece->size);
            searched = 0;
        }
    }
    if (!held.empty()) cuts.push_back({held, true});
    return cuts;
}

} // namespace

TEST_CASE("bytes become lines", "[lines]")
{
    CHECK(split({""}, 8).empty());
    CHECK(split({"\n"}, 8) == std::vector<cut>{{"", true}});
    CHECK(split({"\n\na\n"}, 8) == std::vector<cut>{{"", true}, {"", true}, {"a", true}});
    CHECK(split({"a\r\nb"}, 8) == std::vector<cut>{{"a\r", true}, {"b", true}});
    CHECK(split({"a\0b\n"s}, 8) == std::vector<cut>{{"a\0b"s, true}});
    CHECK(split({"12345678\n"}, 8) == std::vector<cut>{{"12345678", true}});
    CHECK(split({"123456789\n"}, 8) == std::vector<cut>{{"12345678", false}, {"9", true}});
    CHECK(split({"1234567812345678"}, 8) == std::vector<cut>{{"12345678", false}, {"12345678", true}});
}

TEST_CASE("a line that is too long is cut between characters", "[lines]")
{
    CHECK(split({"1234567\u00e4\n"}, 8) == std::vector<cut>{{"1234567", false}, {"\u00e4", true}});
    CHECK(split({"123456\u00e4\n"}, 8) == std::vector<cut>{{"123456\u00e4", true}});
    CHECK(split({"12345\U0001F600\n"}, 8) == std::vector<cut>{{"12345", false}, {"\U0001F600", true}});
    CHECK(split({"1234\U0001F600x\n"}, 8) == std::vector<cut>{{"1234\U0001F600", false}, {"x", true}});
    // No characters, no care.
    const std::string rubbish(20, '\x80');
    CHECK(split({rubbish}, 8).front().text.size() == 8);
}

TEST_CASE("lines are the same however the bytes arrive", "[lines]")
{
    const std::string bytes = "\n\na\r\n\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc12345678\n123456789abcdefgh\n"s +
                              "\xff\xfe\0\0\x80\x80\x80\x80\x80\x80\x80\n\n1234567\U0001F600 and no end"s;
    const auto whole = split({bytes}, 8);
    std::vector<std::string> single;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        CAPTURE(i);
        CHECK(split({bytes.substr(0, i), bytes.substr(i)}, 8) == whole);
        for (std::size_t j = i; j < bytes.size(); ++j)
            if (split({bytes.substr(0, i), bytes.substr(i, j - i), bytes.substr(j)}, 8) != whole) FAIL(j);
        single.push_back(bytes.substr(i, 1));
    }
    CHECK(split(single, 8) == whole);
}

TEST_CASE("what is valid UTF-8", "[lines]")
{
    for (const auto& valid : {""s, "plain text of some length"s, "\0"s, "\u00e4"s, "\u07ff\u0800\uffff"s,
                              "\ud7ff\ue000"s, "\U00010000\U0010ffff"s, "12345678\u00e4"s, "\u2028"s})
        CHECK(is_valid_utf8(valid));
    for (const auto& invalid :
         {"\x80"s, "\xc3"s, "\xc3("s, "\xc0\x80"s, "\xc1\xbf"s, "\xe0\x9f\xbf"s, "\xed\xa0\x80"s, "\xe2\x82"s,
          "\xf0\x8f\xbf\xbf"s, "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s, "\xff"s, "12345678\xff"s}) {
        CAPTURE(invalid.size());
        CHECK_FALSE(is_valid_utf8(invalid));
    }
}
