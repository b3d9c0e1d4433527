#include "daemon/output/journal_entry.h"
#include "daemon/output/level_prefix.h"
#include "daemon/output/line_formatter.h"
#include "daemon/output/syslog_message.h"
#include "daemon/output/tail_ring.h"
#include "tests/unit/daemon/output/moved_lines.h"

#include <boost/json.hpp>

#include <tuple>

using namespace procctl;
using namespace procctl::output;
using namespace std::chrono_literals;
using namespace std::string_literals;
using output_tests::noon;

namespace {

std::string time_of(wall_time at, std::optional<std::chrono::seconds> offset)
{
    std::string text;
    append_time(text, at, offset);
    return text;
}

std::string json_of(std::string_view text)
{
    std::string json;
    append_json_text(json, text);
    return json;
}

std::string field(std::string_view name, std::string_view value)
{
    std::string text;
    append_journal_field(text, name, value);
    return text;
}

std::string syslog(const syslog_origin& origin, wall_time at, std::chrono::seconds offset,
                   std::string_view text)
{
    std::string message;
    append_syslog_message(message, origin, 6, at, offset, text);
    return message;
}

} // namespace

TEST_CASE("a time has microseconds and says its offset", "[lines]")
{
    CHECK(time_of(noon, {}) == "2026-11-20T17:56:29.123456Z");
    CHECK(time_of(noon, 1h) == "2026-11-20T18:56:29.123456+01:00");
    CHECK(time_of(noon, -9h - 30min) == "2026-11-20T08:26:29.123456-09:30");
    CHECK(time_of(noon, 7h) == "2026-11-21T00:56:29.123456+07:00");
    CHECK(time_of(noon, 53min + 28s) == "2026-11-20T18:49:29.123456+00:53");
    CHECK(time_of(noon, 0s) == "2026-11-20T17:56:29.123456+00:00");
    CHECK(time_of(wall_time{}, {}) == "1970-01-01T00:00:00.000000Z");
    CHECK(time_of(wall_time(951'782'400s), {}) == "2000-02-29T00:00:00.000000Z");
}

TEST_CASE("text as JSON", "[lines]")
{
    CHECK(json_of("") == R"("")");
    CHECK(json_of("plain") == R"("plain")");
    CHECK(json_of("say \"no\" to C:\\") == R"("say \"no\" to C:\\")");
    CHECK(json_of("\t\r\b\f\x1b\x1f\x7f\0"s) == "\"\\t\\r\\b\\f\\u001b\\u001f\x7f\\u0000\"");
    CHECK(json_of("\u00e4\u2028\U0001F600") == "\"\u00e4\u2028\U0001F600\"");
    CHECK(json_of("a\xff\0"s) == "[97,255,0]");
    CHECK(json_of("12345678\"12345678\xc3") == "[49,50,51,52,53,54,55,56,34,49,50,51,52,53,54,55,56,195]");
}

TEST_CASE("every byte at every place survives JSON", "[lines]")
{
    for (int byte = 0; byte < 256; ++byte) {
        for (std::size_t place = 0; place < 18; ++place) {
            std::string text = "0123456789abcdefgh";
            text[place] = static_cast<char>(byte);
            const auto value = boost::json::parse(json_of(text));
            if (byte < 0x80) {
                if (value.as_string() != text) FAIL(byte << " at " << place);
            } else if (value.as_array().at(place).to_number<int>() != byte || value.as_array().size() != 18) {
                FAIL(byte << " at " << place);
            }
        }
    }
    SUCCEED();
}

TEST_CASE("a JSON line has its keys in order", "[lines]")
{
    const std::string names = json_names("web", "web@1", "stderr");
    std::string line;
    append_json_head(line, "TIME", names, 17);
    append_json_message(line, "hello", false);
    CHECK(line ==
          "{\"time\":\"TIME\",\"program\":\"web\",\"instance\":\"web@1\",\"stream\":\"stderr\",\"pid\":17,"
          "\"message\":\"hello\"}\n");
    line.clear();
    append_json_head(line, "TIME", names, 0);
    append_json_message(line, "hello", true);
    CHECK(line == "{\"time\":\"TIME\",\"program\":\"web\",\"instance\":\"web@1\",\"stream\":\"stderr\","
                  "\"message\":\"hello\",\"partial\":true}\n");
}

TEST_CASE("a level prefix", "[lines]")
{
    const auto [line, text, level] = GENERATE(table<std::string, std::string, int>({
        {"<0>x", "x", 0},
        {"<3>x", "x", 3},
        {"<7>", "", 7},
        {"<3><4>x", "<4>x", 3},
        {"<03>x", "x", 3},
        {"<007>x", "x", 7},
        {"<0003>x", "<0003>x", 6},
        {"<8>x", "<8>x", 6},
        {"<13>x", "<13>x", 6},
        {"<103>x", "<103>x", 6},
        {"<>x", "<>x", 6},
        {"<3", "<3", 6},
        {"<", "<", 6},
        {"", "", 6},
        {" <3>x", " <3>x", 6},
        {"<3 >x", "<3 >x", 6},
        {"< 3>x", "< 3>x", 6},
        {"<-3>x", "<-3>x", 6},
        {"<x>", "<x>", 6},
        {"3>x", "3>x", 6},
    }));
    CAPTURE(line);
    CHECK(take_level_prefix(line, 6).text == text);
    CHECK(take_level_prefix(line, 6).level == level);
}

TEST_CASE("a field for the journal", "[lines]")
{
    CHECK(field("MESSAGE", "hello") == "MESSAGE=hello\n");
    CHECK(field("MESSAGE", "a=b\tc") == "MESSAGE=a=b\tc\n");
    CHECK(field("MESSAGE", "\xff") == "MESSAGE=\xff\n");
    CHECK(field("MESSAGE", "a\nb") == "MESSAGE\n\3\0\0\0\0\0\0\0a\nb\n"s);
    CHECK(field("MESSAGE", "\0"s) == "MESSAGE\n\1\0\0\0\0\0\0\0\0\n"s);
    CHECK(field("M", std::string(259, '\r')) == "M\n\3\1\0\0\0\0\0\0"s + std::string(259, '\r') + "\n");
    std::string entry;
    append_journal_entry(entry, "A=1\n", 3, 17, "text", true);
    CHECK(entry == "A=1\nPRIORITY=3\nSYSLOG_PID=17\nPROCCTL_PARTIAL=1\nMESSAGE=text\n");
    entry.clear();
    append_journal_entry(entry, "", 6, 0, "", false);
    CHECK(entry == "PRIORITY=6\nMESSAGE=\n");
}

TEST_CASE("a message for syslog", "[lines]")
{
    CHECK(syslog({"web", 3, 17}, noon, 1h, "hello") == "<30>Nov 20 18:56:29 web[17]: hello");
    CHECK(syslog({"web", 23, 0}, noon, 0s, "") == "<190>Nov 20 17:56:29 web: ");
    CHECK(syslog({"a\nb", 0, 0}, noon - 15 * 24h, 0s, "x\0y\nz"s) == "<6>Nov  5 17:56:29 a b: x y z");
    CHECK(syslog({"web", 3, 0}, wall_time{}, 0s, "\xff") == "<30>Jan  1 00:00:00 web: \xff");
}

TEST_CASE("the tail is what was read last", "[lines]")
{
    std::string all;
    tail_ring none(0), small(5), large(1000);
    for (int i = 0; i < 200; ++i) {
        const std::string part(static_cast<std::size_t>(i * 7 % 13), static_cast<char>('a' + i % 26));
        all += part;
        none.add(part);
        small.add(part);
        large.add(part);
        REQUIRE(none.text().empty());
        REQUIRE(small.text() == all.substr(all.size() - std::min<std::size_t>(5, all.size())));
        REQUIRE(large.text() == all.substr(all.size() - std::min<std::size_t>(1000, all.size())));
    }
}
