#include "daemon/helpers/log_line.h"
#include "tests/support/catch.h"

#include <vector>

using namespace procctl;

namespace {

using lines = std::vector<std::string>;

lines split(const std::vector<std::string>& pieces)
{
    line_splitter splitter;
    lines out;
    std::string_view line;
    for (std::string_view piece : pieces)
        while (splitter.next(piece, line))
            out.emplace_back(line);
    if (splitter.finish(line)) out.emplace_back(line);
    return out;
}

constexpr std::int64_t time_of_line = 1'795'197'389'000'005; // 2026-11-20 17:56:29.000005 UTC

} // namespace

TEST_CASE("lines come in pieces", "[log_line]")
{
    CHECK(split({"a\nb", "c\n\n", "", "d"}) == lines{"a", "bc", "", "d"});
    CHECK(split({"a", "\n", "b\n"}) == lines{"a", "b"});
    CHECK(split({std::string("\0\n\0", 3)}) == lines{std::string(1, '\0'), std::string(1, '\0')});
    CHECK(split({""}).empty());
}

TEST_CASE("a line without end is broken", "[log_line]")
{
    const std::string whole(longest_line, 'x');
    CHECK(split({whole + "\nrest\n"}) == lines{whole, "rest"});
    CHECK(split({whole + "y\nrest\n"}) == lines{whole, "y", "rest"});
    CHECK(split({"a" + whole + whole}) == lines{"a" + whole.substr(1), whole, "x"});
    CHECK(split({whole, "y", "z\n"}) == lines{whole, "yz"});
}

TEST_CASE("what a line of a raw log says", "[log_line]")
{
    line_parser plain(log_format::raw, log_timestamps::none);
    const std::string_view line = "2026-11-20T17:56:29.000005Z hello";
    CHECK(plain.parse(line).message == line);
    CHECK(plain.parse(line).time == 0);

    line_parser stamped(log_format::raw, log_timestamps::iso);
    CHECK(stamped.parse(line).message == "hello");
    CHECK(stamped.parse(line).time == time_of_line);
    CHECK(stamped.parse("2026-11-20T17:56:29.000005Z").message.empty());
    CHECK(stamped.parse("2026-11-20T17:56:29.000005Zhello").time == 0);
    CHECK(stamped.parse("hello").message == "hello");
}

TEST_CASE("what a line of a JSON log says", "[log_line]")
{
    line_parser parser(log_format::json, log_timestamps::none);
    const line_facts said =
        parser.parse(R"({"time":"2026-11-20T17:56:29.000005Z","stream":"stderr","pid":7,"message":"a\nb"})");
    CHECK(said.is_object);
    CHECK(said.message == "a\nb");
    CHECK(said.stream == "stderr");
    CHECK(said.time == time_of_line);
    for (const std::string_view other : {"hello", "{", "[1]", "", "{}x"}) {
        CAPTURE(other);
        CHECK_FALSE(parser.parse(other).is_object);
        CHECK(parser.parse(other).message == other);
    }
    const std::string_view odd = R"({"time":7,"stream":[],"message":[104,255]})";
    CHECK(parser.parse(odd).is_object);
    CHECK(parser.parse(odd).message == odd);
    CHECK(parser.parse(odd).time == 0);
}

TEST_CASE("a line as an object", "[log_line]")
{
    line_facts said;
    said.message = "say \"hi\"";
    CHECK(line_as_json(said, "web", "web", 0, time_origin::none) ==
          "{\"program\":\"web\",\"instance\":\"web\",\"message\":\"say \\\"hi\\\"\"}\n");
    said.message = "\xff\n";
    said.stream = "stdout";
    CHECK(line_as_json(said, "web", "web@1", time_of_line, time_origin::mark) ==
          "{\"time\":\"2026-11-20T17:56:29.000005Z\",\"time_is_from\":\"mark\",\"program\":\"web\","
          "\"instance\":\"web@1\",\"stream\":\"stdout\",\"message\":[255,10]}\n");
    CHECK(note_as_json("gone", "web", "web@1") ==
          "{\"program\":\"web\",\"instance\":\"web@1\",\"note\":\"gone\"}\n");
}
