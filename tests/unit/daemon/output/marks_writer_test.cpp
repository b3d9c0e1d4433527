#include "common/log_names.h"
#include "daemon/output/marks_writer.h"
#include "tests/unit/daemon/output/target_tools.h"

#include <errno.h>
#include <sys/stat.h>

using namespace procctl;
using namespace procctl::output;
using namespace procctl::target_tests;
using namespace std::chrono_literals;
using tests::scratch_folder;
using marks = std::vector<time_mark>;

namespace {

time_marks marks_of(const std::string& log) { return read_time_marks(content_of(marks_name(log))); }

// `offset` at noon + `after`.
time_mark mark(std::uint64_t offset, duration after)
{
    return {offset, (noon + after).time_since_epoch().count()};
}

} // namespace

TEST_CASE("a mark a second is written", "[marks]")
{
    const scratch_folder folder;
    const std::string log = folder / "log";
    marks_writer to;
    to.note(log, 7, 0, noon);
    to.note(log, 7, 10, noon + 999ms);
    to.note(log, 7, 20, noon + 1s);
    to.note(log, 7, 30, noon + 1999ms);
    to.note(log, 7, 40, noon + 5s);
    CHECK(marks_of(log).ino == 7);
    CHECK(marks_of(log).marks == marks{mark(0, 0s), mark(20, 1s), mark(40, 5s)});

    SECTION("and a successor goes on")
    {
        marks_writer next;
        next.note(log, 7, 50, noon + 6s);
        next.note(log, 7, 60, noon + 7s);
        CHECK(marks_of(log).marks.size() == 5);
    }
    SECTION("those of another file give way")
    {
        to.note(log, 8, 100, noon + 6s);
        CHECK(marks_of(log).ino == 8);
        CHECK(marks_of(log).marks == marks{mark(100, 6s)});
    }
    SECTION("a file that was truncated begins anew")
    {
        to.note(log, 7, 5, noon + 5500ms);
        to.note(log, 7, 15, noon + 7s);
        CHECK(marks_of(log).marks == marks{mark(5, 5500ms), mark(15, 7s)});
    }
    SECTION("a clock that was set back a little catches up")
    {
        to.note(log, 7, 50, noon - 10s);
        to.note(log, 7, 60, noon + 6s);
        CHECK(marks_of(log).marks.size() == 4);
        CHECK(marks_of(log).marks.back() == mark(60, 6s));
    }
    SECTION("a clock that was set back by much begins anew")
    {
        to.note(log, 7, 50, noon - 1h);
        CHECK(marks_of(log).marks == marks{mark(50, -1h)});
    }
    SECTION("marks that others have removed or spoiled begin anew")
    {
        if (GENERATE(false, true))
            std::filesystem::remove(marks_name(log));
        else
            std::ofstream(marks_name(log)) << "something that is no mark, and longer than a header of marks";
        to.note(log, 7, 50, noon + 6s);
        CHECK(marks_of(log).ino == 7);
        CHECK(marks_of(log).marks == marks{mark(50, 6s)});
    }
    SECTION("half a mark of a killed process is written over")
    {
        std::ofstream(marks_name(log), std::ios::app) << "half";
        to.note(log, 7, 50, noon + 6s);
        CHECK(marks_of(log).marks.size() == 4);
        CHECK(content_of(marks_name(log)).size() == sizeof(marks_header) + 4 * sizeof(time_mark));
    }
}

TEST_CASE("marks that fill their file are thinned, and go on rising", "[marks]")
{
    const scratch_folder folder;
    const std::string log = folder / "log";
    marks_writer to;
    constexpr std::uint64_t count = 2 * max_marks + 100;
    for (std::uint64_t i = 0; i < count; ++i)
        to.note(log, 7, i * 100, noon + i * 1s);
    CHECK(content_of(marks_name(log)).size() <= max_marks_size);
    const time_marks found = marks_of(log);
    CHECK(found.marks.size() > max_marks / 2);
    CHECK(found.marks.front() == mark(0, 0s));
    CHECK(found.marks.back() == mark((count - 1) * 100, (count - 1) * 1s));
    for (const time_mark& m : found.marks)
        if (m != mark(m.offset, m.offset / 100 * 1s)) FAIL("a mark that was never made");
}

TEST_CASE("a log whose marks cannot be written is written", "[marks]")
{
    const scratch_folder folder;
    const std::string log = folder / "log";
    target to(log);
    std::filesystem::create_directory(folder / ".log.times");
    CHECK(to.put("1\n", noon).bytes == 2);
    CHECK(to.put("2\n", noon + 10s).bytes == 2);
    CHECK(content_of(log) == "1\n2\n");
    CHECK_FALSE(to.has_notices());
    std::filesystem::remove(folder / ".log.times");
    CHECK(to.put("3\n", noon + 59s).bytes == 2); // not before a pause has passed
    CHECK_FALSE(std::filesystem::exists(folder / ".log.times"));
    CHECK(to.put("4\n", noon + 60s).bytes == 2);
    CHECK(marks_of(log).marks == marks{mark(6, 60s)});
}

TEST_CASE("a link is not taken for a file of marks", "[marks]")
{
    const scratch_folder folder;
    const std::string log = folder / "log";
    std::ofstream(folder / "victim") << "dear";
    if (GENERATE(false, true))
        std::filesystem::create_symlink("victim", marks_name(log));
    else
        std::filesystem::create_hard_link(folder / "victim", marks_name(log));
    marks_writer to;
    to.note(log, 7, 0, noon);
    CHECK(content_of(folder / "victim") == "dear");
}

TEST_CASE("a target marks when what was written", "[marks]")
{
    const scratch_folder folder;
    const std::string log = folder / "log";
    test_pipe pipe;
    target to(log);
    put(pipe.write.get(), "one\n");
    move_all(to, pipe, noon);
    CHECK(to.put("two\n", noon + 10s).bytes == 4);
    CHECK(marks_of(log).ino == to.ino());
    CHECK(marks_of(log).marks == marks{mark(0, 0s), mark(4, 10s)});

    SECTION("an empty pipe is no reason")
    {
        move_all(to, pipe, noon + 20s);
        CHECK(marks_of(log).marks.size() == 2);
    }
    SECTION("and its marks are renamed with it")
    {
        const std::uint64_t ino = to.ino();
        CHECK(to.rotate(noon + 20s) == 0);
        CHECK(marks_of(log + ".1").ino == ino);
        CHECK(marks_of(log + ".1").marks.size() == 2);
        CHECK(marks_of(log).marks.empty());
        CHECK(to.put("three\n", noon + 30s).bytes == 6);
        CHECK(marks_of(log).marks == marks{mark(0, 30s)});
    }
    SECTION("the beginning of a line that moves on was written when it was written")
    {
        CHECK(to.put("thr", noon + 20s).bytes == 3);
        CHECK(to.put("e", noon + 25s).bytes == 1);
        CHECK(to.rotate(noon + 30s) == 0);
        CHECK(marks_of(log).ino == to.ino());
        CHECK(marks_of(log).marks == marks{mark(0, 20s)});
        CHECK(to.put("e\n", noon + 30s).bytes == 2);
        CHECK(marks_of(log).marks == marks{mark(0, 20s), mark(4, 30s)});
    }
}

TEST_CASE("marks follow a log that a killed process had renamed", "[marks]")
{
    const scratch_folder folder;
    const std::string log = folder / "log";
    target to(log);
    CHECK(to.put("one\n", noon).bytes == 4);
    std::filesystem::rename(log, log + ".1");
    std::ofstream(log + ".new") << "tw";
    target next(log);
    CHECK(next.put("o\n", noon + 10s).bytes == 2);
    CHECK(content_of(log) == "two\n");
    CHECK(marks_of(log + ".1").marks == marks{mark(0, 0s)});
    CHECK(marks_of(log).marks == marks{mark(2, 10s)});
}
