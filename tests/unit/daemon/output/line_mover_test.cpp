#include "daemon/output/line_mover.h"
#include "daemon/output/target.h"
#include "tests/support/scratch_folder.h"
#include "tests/unit/daemon/output/moved_lines.h"

#include <fstream>
#include <iterator>

using namespace procctl;
using namespace procctl::output;
using namespace procctl::output_tests;

namespace {

std::string text_of(const std::string& path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

TEST_CASE("which streams need a mover of lines", "[lines]")
{
    stream_settings raw, json, timed, journal, syslog;
    json.format = log_format::json;
    timed.timestamps = log_timestamps::local;
    journal.sink = stream_sink::journal;
    syslog.sink = stream_sink::syslog;
    CHECK_FALSE(line_mover::is_needed(raw));
    for (const auto& s : {json, timed, journal, syslog})
        CHECK(line_mover::is_needed(s));
}

TEST_CASE("two streams write their lines to one file", "[lines]")
{
    const tests::scratch_folder folder;
    stream_settings s;
    s.path = folder / "log";
    s.timestamps = log_timestamps::iso;
    const auto file = std::make_shared<target>(s.path, file_settings_of(s));
    const line_pipe out, err;
    const auto from_out = line_mover::make(s, file);
    const auto from_err = line_mover::make(s, file);
    out.write("one\ntwo");
    err.write("three\n");
    CHECK(take_all(*from_out, out) == 7);
    CHECK(from_out->descriptor() == file->descriptor());
    from_out->close();
    CHECK(take_all(*from_err, err) == 6);
    CHECK(from_out->finish(noon).what == status::moved);
    const std::string time = "2026-11-20T17:56:29.123456Z ";
    CHECK(text_of(s.path) == time + "one\n" + time + "three\n" + time + "two\n");
}
