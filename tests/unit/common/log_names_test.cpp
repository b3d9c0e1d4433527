#include "common/log_names.h"
#include "tests/support/catch.h"

using namespace procctl;

TEST_CASE("the files of a log are named after it", "[log_names]")
{
    const std::string log = GENERATE("web.log", "/var/log/a.b/web.log", "./x");
    CAPTURE(log);
    CHECK(rotated_name(log, 1) == log + ".1");
    CHECK(rotated_name(log, UINT64_MAX) == log + ".18446744073709551615");
    CHECK(compressed_name(rotated_name(log, 12)) == log + ".12.gz");
    CHECK(next_name(log) == log + ".new");
}

TEST_CASE("time marks hide beside their file", "[log_names]")
{
    CHECK(marks_name("web.log") == ".web.log.times");
    CHECK(marks_name("/var/log/web.log") == "/var/log/.web.log.times");
    CHECK(marks_name("/web.log.2") == "/.web.log.2.times");
}

TEST_CASE("a rotated file is known by its name, and nothing else is one", "[log_names]")
{
    using found = std::optional<rotated_log>;
    CHECK(parse_rotated_name("web.log", "web.log.1") == found(rotated_log{1, false}));
    CHECK(parse_rotated_name("web.log", "web.log.120.gz") == found(rotated_log{120, true}));
    CHECK(parse_rotated_name("web.log", "web.log.18446744073709551615") ==
          found(rotated_log{UINT64_MAX, false}));
    const std::string other = GENERATE(values<std::string>({
        "",
        "web.log",
        "web.log.",
        "web.log.gz",
        "web.log..gz",
        "web.log.new",
        "web.log.0",
        "web.log.01",
        "web.log.1x",
        "web.log.1.gz.gz",
        "web.log.1.gz.tmp",
        "web.log.1 ",
        "web.log.-1",
        "web.log.+1",
        "web.log.1.2",
        "web.log.18446744073709551616",
        ".web.log.1.times",
        "web.log1",
        "xweb.log.1",
        "web.log-20250101",
    }));
    CAPTURE(other);
    CHECK(parse_rotated_name("web.log", other) == found());
}

TEST_CASE("names that are made are understood", "[log_names]")
{
    const std::uint64_t number = GENERATE(values<std::uint64_t>({1, 9, 10, 1'000'000, UINT64_MAX}));
    const std::string name = rotated_name("web.log", number);
    CHECK(parse_rotated_name("web.log", name) == rotated_log{number, false});
    CHECK(parse_rotated_name("web.log", compressed_name(name)) == rotated_log{number, true});
}
