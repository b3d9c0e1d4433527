#include "daemon/output/rotation.h"
#include "tests/unit/daemon/output/target_tools.h"

#include <optional>

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

using namespace procctl;
using namespace procctl::output;
using namespace procctl::target_tests;
using namespace std::chrono_literals;
using status = outcome::status;
using tests::scratch_folder;
using names = std::vector<std::string>;

namespace {

void put(target& to, std::string_view bytes, wall_time now = noon)
{
    const outcome o = to.put(bytes, now);
    REQUIRE(o.what == status::moved);
    REQUIRE(o.bytes == bytes.size());
}

std::optional<std::string> content_if(const std::string& path)
{
    if (!std::filesystem::exists(path)) return {};
    return content_of(path);
}

void write_if(const std::string& path, const std::optional<std::string>& content)
{
    if (content) std::ofstream(path) << *content;
}

} // namespace

TEST_CASE("a rotation that was broken off anywhere is ended, or undone, at the next open", "[rotation]")
{
    using content = std::optional<std::string>;
    const content none;
    struct state {
        const char* what;
        content log, next, rotated;       // as they are found
        content log_after, rotated_after; // path.new has always gone
    };
    const auto s = GENERATE_COPY(values<state>({
        {"nothing begun", "a\nb", none, none, "a\nb", none},
        {"path.new was made", "a\nb", "", none, "a\nb", none},
        {"a part was copied", "a\nbc", "b", none, "a\nbc", none},
        {"all was copied", "a\nbc", "bc", none, "a\nbc", none},
        {"it was cut", "a\n", "bc", none, "bc", "a\n"},
        {"nothing was to be cut", "a\nb\n", "", none, "a\nb\n", none},
        {"the log was renamed", none, "bc", "a\n", "bc", "a\n"},
        {"the log was renamed, and ended with a line", none, "", "a\n", "", "a\n"},
        {"all is done", "bc", none, "a\n", "bc", "a\n"},
        {"the cut was being undone", "a\nb", "bc", none, "bc", "a\n"},
        {"the cut was undone", "a\nbc", "bc", none, "a\nbc", none},
        {"it was cut, and others have written", "a\nxy", "bc", none, "bc", "a\nxy"},
        {"it was cut, and others have truncated it", "", "bc", none, "bc", ""},
    }));
    CAPTURE(s.what);
    const scratch_folder folder;
    write_if(folder / "log", s.log);
    write_if(folder / "log.new", s.next);
    write_if(folder / "log.1", s.rotated);
    target to(folder / "log");
    CHECK(to.open() == 0);
    CHECK(content_of(folder / "log") == *s.log_after);
    CHECK(content_if(folder / "log.1") == s.rotated_after);
    CHECK_FALSE(std::filesystem::exists(folder / "log.new"));
    CHECK_FALSE(std::filesystem::exists(folder / "log.2"));
    CHECK(to.position() == s.log_after->size());
}

TEST_CASE("a file that would pass its size is rotated first", "[rotation]")
{
    const scratch_folder folder;
    target to(folder / "log", {.max_size = 10});
    put(to, "1234\n");
    put(to, "6789\n");
    CHECK_FALSE(to.has_notices());
    put(to, "b\n");
    CHECK(content_of(folder / "log.1") == "1234\n6789\n");
    CHECK(content_of(folder / "log") == "b\n");
    CHECK(to.take_notices() == happenings{{notice_kind::rotated, 0, folder / "log.1"}});
    struct stat now {};
    REQUIRE(::stat((folder / "log").c_str(), &now) == 0);
    CHECK(to.ino() == now.st_ino);
    CHECK(to.position() == 2);
    // What is larger itself is written whole.
    put(to, "0123456789 and more\n");
    CHECK(content_of(folder / "log") == "0123456789 and more\n");
    put(to, "c\n");
    CHECK(names_in(folder.path()) == names{"log", "log.1", "log.2", "log.3"});
}

TEST_CASE("bytes of a pipe fill files to their size, and no line is cut", "[rotation]")
{
    const scratch_folder folder;
    test_pipe pipe;
    target to(folder / "log", {.max_size = 1000, .keep = 1000});
    std::string text;
    for (int i = 0; text.size() < 20'000; ++i)
        text += "line " + std::to_string(i) + '\n';
    target_tests::put(pipe.write.get(), text);
    move_all(to, pipe);
    std::string all;
    for (int i = 1; std::filesystem::exists(folder / ("log." + std::to_string(i))); ++i) {
        const std::string one = content_of(folder / ("log." + std::to_string(i)));
        CHECK(one.ends_with('\n'));
        CHECK(one.size() <= 1000);
        CHECK(one.size() > 980);
        all += one;
    }
    CHECK(all + content_of(folder / "log") == text);
}

TEST_CASE("a line that is longer than what is looked at is cut", "[rotation]")
{
    const scratch_folder folder;
    target to(folder / "log");
    const std::string text = "line\n" + std::string(longest_cut_line, 'x');
    SECTION("just as long")
    {
        put(to, text);
        CHECK(to.rotate(noon) == 0);
        CHECK(content_of(folder / "log.1") == text);
        CHECK(content_of(folder / "log").empty());
    }
    SECTION("a little shorter")
    {
        put(to, text.substr(0, text.size() - 1));
        CHECK(to.rotate(noon) == 0);
        CHECK(content_of(folder / "log.1") == "line\n");
        CHECK(content_of(folder / "log").size() == longest_cut_line - 1);
    }
}

TEST_CASE("a file is rotated on demand", "[rotation]")
{
    const scratch_folder folder;
    target to(folder / "log");
    SECTION("but not when it is empty, or is not there yet")
    {
        CHECK(to.rotate(noon) == 0);
        CHECK(names_in(folder.path()) == names{"log"});
        CHECK_FALSE(to.has_notices());
    }
    SECTION("also when it is not open")
    {
        std::ofstream(folder / "log") << "old\n";
        CHECK(to.rotate(noon) == 0);
        put(to, "new\n");
        CHECK(content_of(folder / "log.1") == "old\n");
        CHECK(content_of(folder / "log") == "new\n");
    }
    SECTION("and its beginning of a line moves on")
    {
        put(to, "one\ntw");
        CHECK(to.rotate(noon) == 0);
        put(to, "o\n");
        CHECK(content_of(folder / "log.1") == "one\n");
        CHECK(content_of(folder / "log") == "two\n");
    }
    SECTION("with the next number after the highest")
    {
        for (const char* name :
             {"log.3", "log.9.gz", "log.10.gz.tmp", "log.x", "log.010", "log.1", "blog.77"})
            std::ofstream(folder / name) << name;
        put(to, "one\n");
        CHECK(to.rotate(noon) == 0);
        CHECK(content_of(folder / "log.10") == "one\n");
    }
    SECTION("and the name of a moved file is not taken for it")
    {
        put(to, "one\n");
        std::filesystem::rename(folder / "log", folder / "moved");
        std::ofstream(folder / "log") << "theirs\n";
        put(to, "two\n"); // within the second in which the path was looked up
        CHECK(to.rotate(noon) == 0);
        CHECK(content_of(folder / "moved") == "one\ntwo\n");
        CHECK(content_of(folder / "log.1") == "theirs\n");
        CHECK(to.take_notices() == happenings{{notice_kind::recreated, 0, folder / "log"},
                                              {notice_kind::rotated, 0, folder / "log.1"}});
    }
    SECTION("and a file that was moved away is begun anew")
    {
        put(to, "one\n");
        std::filesystem::rename(folder / "log", folder / "moved");
        put(to, "two\n");
        CHECK(to.rotate(noon) == 0);
        put(to, "three\n");
        CHECK(content_of(folder / "moved") == "one\ntwo\n");
        CHECK(content_of(folder / "log") == "three\n");
        CHECK(names_in(folder.path()) == names{"log", "moved"});
        CHECK(to.take_notices() == happenings{{notice_kind::recreated, 0, folder / "log"}});
    }
}

TEST_CASE("what is no regular file is never rotated", "[rotation]")
{
    target to("/dev/null", {.max_size = 1, .max_total_size = 1, .max_age = 1s});
    put(to, "many\nlines\n");
    CHECK(to.rotate(noon) == ENOTSUP);
    CHECK(to.rotates_at() == wall_time::max());
    CHECK_FALSE(to.has_notices());
}

TEST_CASE("a file is rotated for its age", "[rotation]")
{
    const scratch_folder folder;
    target to(folder / "log", {.max_age = 1h});
    CHECK(to.rotates_at() == wall_time::max()); // not open
    put(to, "one\n");
    CHECK(to.rotates_at() == noon + 1h);
    SECTION("when it is written")
    {
        put(to, "two\n", noon + 59min);
        put(to, "three\n", noon + 60min);
        CHECK(to.rotates_at() == noon + 2h);
    }
    SECTION("when the caller's timer has expired")
    {
        put(to, "two\n", noon + 59min);
        CHECK(to.rotate(to.rotates_at()) == 0);
        put(to, "three\n", noon + 90min);
        CHECK(to.rotates_at() == noon + 150min); // begun with its first bytes
    }
    SECTION("counted from when the file was made, whoever opens it")
    {
        put(to, "two\n");
        target next(folder / "log", {.max_age = 1h});
        CHECK(next.open() == 0);
        const wall_time now = std::chrono::time_point_cast<duration>(std::chrono::system_clock::now());
        CHECK(next.rotates_at() > now + 50min);
        CHECK(next.rotates_at() <= now + 1h);
        put(next, "three\n", now + 61min);
    }
    CHECK(content_of(folder / "log.1") == "one\ntwo\n");
    CHECK(content_of(folder / "log") == "three\n");
}

TEST_CASE("a file is rotated for its age when a pipe has something for it", "[rotation]")
{
    const scratch_folder folder;
    test_pipe pipe;
    target to(folder / "log", {.max_age = 1h});
    target_tests::put(pipe.write.get(), "one\n");
    move_all(to, pipe);
    CHECK(to.rotates_at() == noon + 1h);
    move_all(to, pipe, noon + 2h);
    CHECK(names_in(folder.path()) == names{"log"});
    target_tests::put(pipe.write.get(), "two\n");
    move_all(to, pipe, noon + 2h);
    CHECK(content_of(folder / "log.1") == "one\n");
    CHECK(content_of(folder / "log") == "two\n");
    CHECK(to.rotates_at() == noon + 3h);
}

TEST_CASE("an empty file that is old is begun again instead", "[rotation]")
{
    const scratch_folder folder;
    target to(folder / "log", {.max_age = 1h});
    CHECK(to.open() == 0);
    CHECK(to.rotate(noon) == 0);
    CHECK(to.rotates_at() == noon + 1h);
    CHECK(names_in(folder.path()) == names{"log"});
}

TEST_CASE("a file that was begun by a clock that was ahead is as old as the clock that is right says",
          "[rotation]")
{
    const scratch_folder folder;
    target to(folder / "log", {.max_age = 1h});
    put(to, "1\n", noon + 24h);
    put(to, "2\n", noon);
    put(to, "3\n", noon + 1h);
    CHECK(content_of(folder / "log.1") == "1\n2\n");
    CHECK(content_of(folder / "log") == "3\n");
}

TEST_CASE("as many rotated files as may be kept are kept", "[rotation]")
{
    const scratch_folder folder;
    const std::uint32_t keep = GENERATE(0U, 1U, 3U);
    CAPTURE(keep);
    target to(folder / "log", {.keep = keep});
    for (int i = 1; i <= 5; ++i) {
        put(to, std::to_string(i) + '\n', noon + i * 1h);
        CHECK(to.rotate(noon + i * 1h) == 0);
        // As a compressor leaves it; and while it is at work there are both.
        if (i == 3 && keep == 3) std::filesystem::rename(folder / "log.3", folder / "log.3.gz");
        if (i == 2 && keep == 3) std::ofstream(folder / "log.2.gz") << "x";
    }
    CHECK(to.take_notices().size() == (keep == 0 ? 0 : 5));
    if (keep == 0) CHECK(names_in(folder.path()) == names{"log"});
    if (keep == 1) CHECK(names_in(folder.path()) == names{"log", "log.5"});
    if (keep == 3) CHECK(names_in(folder.path()) == names{"log", "log.3.gz", "log.4", "log.5"});
    // The marks of those that went have gone with them.
    std::size_t marks = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
        marks += entry.path().filename().string().ends_with(".times") ? 1 : 0;
    CHECK(marks == keep);
}

TEST_CASE("all files of a log together do not pass their size", "[rotation]")
{
    const scratch_folder folder;
    test_pipe pipe;
    const auto total = [&] {
        std::uint64_t sum = 0;
        for (const std::string& name : names_in(folder.path()))
            sum += std::filesystem::file_size(folder / name);
        return sum;
    };
    target to(folder / "log", {.max_size = GENERATE(3000U, 100'000U), .max_total_size = 10'000});
    std::ofstream(folder / "log.1") << std::string(2000, '1');
    std::string text;
    for (int i = 0; i < 5000; ++i) {
        const std::string line = "line " + std::to_string(i) + '\n';
        text += line;
        if (i % 2 == 0) {
            put(to, line);
        } else {
            target_tests::put(pipe.write.get(), line);
            move_all(to, pipe);
        }
        if (total() > 10'000) FAIL("after " << i << " lines " << total() << " bytes");
    }
    CHECK(total() > 4'500);
    CHECK_FALSE(std::filesystem::exists(folder / "log.1"));
    std::string all;
    for (int i = 1; i < 100; ++i)
        all += content_if(folder / ("log." + std::to_string(i))).value_or("");
    CHECK(text.ends_with(all + content_of(folder / "log")));
}

TEST_CASE("a rotation that fails is told once, and tried again later", "[rotation]")
{
    const scratch_folder folder;
    target to(folder / "log", {.max_size = 4});
    put(to, "1\n");
    // Root may do all but this: a folder of the next file's name.
    std::filesystem::create_directory(folder / "log.new");
    put(to, "2345\n");
    CHECK(to.take_notices() == happenings{{notice_kind::cannot_rotate, EEXIST, folder / "log"}});
    put(to, "6\n", noon + 999ms);
    put(to, "7\n", noon + 1s);
    CHECK(content_of(folder / "log") == "1\n2345\n6\n7\n");
    CHECK(to.rotate(noon + 1s) == EEXIST);
    CHECK_FALSE(to.has_notices());
    std::filesystem::remove(folder / "log.new");
    put(to, "8\n", noon + 2s); // the pause is longer by now
    CHECK(content_of(folder / "log") == "1\n2345\n6\n7\n8\n");
    put(to, "9\n", noon + 1min);
    CHECK(content_of(folder / "log.1") == "1\n2345\n6\n7\n8\n");
    CHECK(content_of(folder / "log") == "9\n");
    CHECK(to.take_notices() == happenings{{notice_kind::rotated, 0, folder / "log.1"}});
}

TEST_CASE("by age, a rotation that fails is not due before its pause is over", "[rotation]")
{
    const scratch_folder folder;
    target to(folder / "log", {.max_age = 1h});
    put(to, "1\n");
    std::filesystem::create_directory(folder / "log.new");
    CHECK(to.rotate(noon + 1h) == EEXIST);
    CHECK(to.rotates_at() == noon + 1h + 1s);
    CHECK(to.rotate(noon + 1h + 1s) == EEXIST);
    CHECK(to.rotates_at() == noon + 1h + 3s);
}

TEST_CASE("a symbolic link is written through, and not rotated", "[rotation]")
{
    const scratch_folder folder;
    std::filesystem::create_symlink("real", folder / "log");
    target to(folder / "log", {.max_size = 4});
    put(to, "123\n");
    put(to, "456\n");
    CHECK(content_of(folder / "real") == "123\n456\n");
    CHECK(names_in(folder.path()) == names{"log", "real"});
    CHECK(to.take_notices() == happenings{{notice_kind::cannot_rotate, ELOOP, folder / "log"}});
}

TEST_CASE("the next file has the mode and the owner of the old one", "[rotation]")
{
    const scratch_folder folder;
    target to(folder / "log");
    put(to, "1\n");
    REQUIRE(::chmod((folder / "log").c_str(), 0604) == 0);
    const bool is_root = ::geteuid() == 0;
    if (is_root) REQUIRE(::chown((folder / "log").c_str(), 12, 34) == 0);
    CHECK(to.rotate(noon) == 0);
    struct stat made {};
    REQUIRE(::stat((folder / "log").c_str(), &made) == 0);
    CHECK((made.st_mode & 07777U) == 0604U);
    CHECK(made.st_uid == (is_root ? 12 : ::geteuid()));
    CHECK(to.take_notices() == happenings{{notice_kind::rotated, 0, folder / "log.1"}});
}

TEST_CASE("a folder that may not be read or written is written to all the same", "[rotation]")
{
    if (::geteuid() != 0) {
        WARN("skipped: only root can become another user");
        return;
    }
    const scratch_folder folder;
    const ::mode_t mode = GENERATE(0300, 0500); // no listing; no new files
    CAPTURE(mode);
    constexpr ::uid_t other = 4321;
    std::ofstream(folder / "log") << "1\n";
    std::filesystem::permissions(folder / "log", std::filesystem::perms(0640));
    REQUIRE(::chown(folder.path().c_str(), other, other) == 0);
    REQUIRE(::chown((folder / "log").c_str(), other, other) == 0);
    REQUIRE(::chmod(folder.path().c_str(), mode) == 0);
    target to(folder / "log", {.max_size = 4});
    REQUIRE(::seteuid(other) == 0);
    const outcome first = to.put("23\n", noon);
    const outcome second = to.put("45\n", noon);
    const int demanded = to.rotate(noon);
    REQUIRE(::seteuid(0) == 0);
    CHECK(first.bytes == 3);
    CHECK(second.bytes == 3);
    CHECK(demanded == EACCES);
    CHECK(content_of(folder / "log") == "1\n23\n45\n");
    CHECK(to.take_notices() == happenings{{notice_kind::cannot_rotate, EACCES, folder / "log"}});
    REQUIRE(::chmod(folder.path().c_str(), 0700) == 0);
    put(to, "6\n", noon + 1h);
    CHECK(content_of(folder / "log.1") == "1\n23\n45\n");
}

namespace {

// Runs in a child that has a file system of a few pages at that path; false: it cannot be mounted.
template <class F> bool on_tiny_disk(const std::string& path, F run)
{
    constexpr int not_mounted = 77;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        if (::unshare(CLONE_NEWNS) < 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0 ||
            ::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=64k") < 0)
            ::_exit(not_mounted);
        ::_exit(run());
    }
    int ended = 0;
    REQUIRE(::waitpid(child, &ended, 0) == child);
    REQUIRE(WIFEXITED(ended));
    if (WEXITSTATUS(ended) == not_mounted) return false;
    CHECK(WEXITSTATUS(ended) == 0);
    return true;
}

} // namespace

TEST_CASE("a disk that is full for a rotation is written on, and rotated when there is room", "[rotation]")
{
    const scratch_folder folder;
    // Returns the line at which it is not as it should be.
    const auto run = [&] {
        target to(folder / "log", {.max_size = 4096});
        const std::string line = std::string(99, 'x') + '\n';
        std::string text = line + line + "the beginning of a line";
        if (to.put(text, noon).bytes != text.size()) return __LINE__ % 64 + 1;
        std::ofstream(folder / "ballast") << std::string(1U << 20U, 'b') << std::flush; // what fits
        // The last page of the log has room, a new file has none.
        if (to.rotate(noon) != ENOSPC) return __LINE__ % 64 + 1;
        if (content_of(folder / "log") != text) return __LINE__ % 64 + 1;
        if (std::filesystem::exists(folder / "log.new")) return __LINE__ % 64 + 1;
        outcome o;
        for (int i = 0; i < 100 && o.what == status::moved; ++i) {
            o = to.put(line, noon);
            text += line.substr(0, o.bytes);
        }
        if (o.what != status::cannot_write || o.errno_value != ENOSPC) return __LINE__ % 64 + 1;
        if (content_of(folder / "log") != text) return __LINE__ % 64 + 1;
        std::filesystem::remove(folder / "ballast");
        const happenings told = to.take_notices();
        if (told != happenings{{notice_kind::cannot_rotate, ENOSPC, folder / "log"}})
            return __LINE__ % 64 + 1;
        if (to.put(line, noon + 1h).bytes != line.size()) return __LINE__ % 64 + 1;
        text += line;
        if (content_of(folder / "log.1") + content_of(folder / "log") != text) return __LINE__ % 64 + 1;
        return 0;
    };
    if (!on_tiny_disk(folder.path(), run)) WARN("skipped: only root may mount the tiny disk");
}
