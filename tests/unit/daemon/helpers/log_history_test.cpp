// Logs of several files, as the helper answers for them: rotated, compressed, with time marks, merged.
#include "common/log_names.h"
#include "common/time_marks.h"
#include "common/timestamp.h"
#include "daemon/helpers/compress.h"
#include "tests/support/scratch_folder.h"
#include "tests/unit/daemon/helpers/log_client.h"

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>

using namespace procctl;

namespace {

using tests::answer_to;
using tests::append;
using tests::log_client;
using tests::scratch_folder;

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t noon = 1'795'176'000 * second; // 2026-11-20 12:00:00 UTC

// The marks of a file, as the output process keeps them.
void mark(const std::string& file, const std::vector<time_mark>& marks)
{
    struct stat what {};
    REQUIRE(::stat(file.c_str(), &what) == 0);
    marks_header header;
    std::memcpy(header.magic, marks_magic, sizeof marks_magic);
    header.ino = what.st_ino;
    std::ofstream out(marks_name(file), std::ios::binary);
    out.write(reinterpret_cast<const char*>(&header), sizeof header);
    out.write(reinterpret_cast<const char*>(marks.data()),
              static_cast<std::streamsize>(marks.size() * sizeof(time_mark)));
}

void written_at(const std::string& file, std::int64_t time)
{
    const timespec then{time / second, time % second * 1000};
    const std::array<timespec, 2> times{then, then};
    REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times.data(), 0) == 0);
}

log_request of(std::vector<log_source> sources)
{
    log_request request{.sources = std::move(sources), .what = {}};
    request.what.lines.reset();
    return request;
}

std::string time_text(std::int64_t time) { return format_rfc3339(time); }

} // namespace

TEST_CASE("rotated and compressed files come before the current one", "[log_history]")
{
    const scratch_folder folder;
    const std::string log = folder / "web.log";
    append(log + ".2", "a\nb\n");
    append(log + ".10", "c\n");
    append(log + ".11", "d\ne\n");
    append(log, "f\ng\n");
    append(log + ".02", "somebody's\n");
    append(log + ".new", "not yet\n");
    if (GENERATE(false, true)) {
        REQUIRE(compress_file(log + ".2"));
        REQUIRE(compress_file(log + ".10"));
    }
    log_request request = of({{.name = "web", .path = log}});
    const auto last = [&](unsigned lines) {
        request.what.lines = lines;
        return answer_to(request);
    };
    CHECK(answer_to(request) == "a\nb\nc\nd\ne\nf\ng\n");
    CHECK(last(0).empty());
    CHECK(last(1) == "g\n");
    CHECK(last(2) == "f\ng\n");
    CHECK(last(3) == "e\nf\ng\n");
    CHECK(last(5) == "c\nd\ne\nf\ng\n");
    CHECK(last(6) == "b\nc\nd\ne\nf\ng\n");
    CHECK(last(100) == "a\nb\nc\nd\ne\nf\ng\n");
}

TEST_CASE("a line that was cut by a rotation is one line", "[log_history]")
{
    const scratch_folder folder;
    append(folder / "log.1", "one\ntw");
    append(folder / "log", "o\nthree\n");
    log_request request = of({{.name = "a", .path = folder / "log"}});
    CHECK(answer_to(request) == "one\ntwo\nthree\n");
    request.what.pattern = "two";
    CHECK(answer_to(request) == "two\n");
}

TEST_CASE("what cannot be read is said, and the rest is read", "[log_history]")
{
    const scratch_folder folder;
    append(folder / "log.1.gz", "not gzip");
    append(folder / "log", "there\n");
    const log_request request = of({{.name = "a", .path = folder / "log"}});
    CHECK(answer_to(request) ==
          "a: cannot inflate: the file is damaged: " + (folder / "log.1") + "\nthere\n");
}

TEST_CASE("what the owner of a log's folder may not read is not read through his links", "[log_history]")
{
    if (::geteuid() != 0) {
        WARN("not root: cannot give files to another user");
        SUCCEED();
        return;
    }
    const scratch_folder folder;
    folder.file("secret", "root's\n", 0600);
    std::filesystem::create_directory(folder / "his");
    const std::string log = folder.file("his/log", "current\n");
    for (const std::string& name : {folder / "his", log})
        REQUIRE(::lchown(name.c_str(), 65534, 65534) == 0);
    const bool is_rotated = GENERATE(false, true);
    CAPTURE(is_rotated);
    const std::string linked = is_rotated ? rotated_name(log, 1) : log;
    std::filesystem::remove(linked);
    std::filesystem::create_symlink("../secret", linked);
    REQUIRE(::lchown(linked.c_str(), 65534, 65534) == 0);
    const std::string answer = answer_to(of({{.name = "web", .path = log}}));
    CHECK(answer.find("root's") == std::string::npos);
    CHECK(answer.find("Permission denied") != std::string::npos);
}

TEST_CASE("the last lines that match", "[log_history]")
{
    const scratch_folder folder;
    std::string text;
    for (int i = 0; i < 3000; ++i)
        text += "line " + std::to_string(i) + (i % 1000 == 0 ? " error\n" : "\n");
    append(folder / "log.1", text);
    append(folder / "log", "Error again\n");
    log_request request = of({{.name = "a", .path = folder / "log"}});
    request.what.pattern = "error";
    request.what.lines = 2;
    CHECK(answer_to(request) == "line 2000 error\nError again\n");
    request.what.pattern = "nothing like it";
    CHECK(answer_to(request).empty());
}

TEST_CASE("a raw log is looked up by its time marks", "[log_history]")
{
    const scratch_folder folder;
    const std::string log = folder / "web.log";
    append(log + ".1", "old\n");
    written_at(log + ".1", noon - 3600 * second);
    append(log, "0\n1\n2\n3\n4\n");
    mark(log, {{0, noon}, {2, noon + 10 * second}, {4, noon + 20 * second}, {6, noon + 30 * second}});
    log_request request = of({{.name = "web", .path = log}});
    SECTION("since")
    {
        request.what.since = noon + 20 * second;
        CHECK(answer_to(request) == "1\n2\n3\n4\n"); // what is between two marks may be as new as the second
        request.what.since = noon + 21 * second;
        CHECK(answer_to(request) == "2\n3\n4\n");
    }
    SECTION("until")
    {
        request.what.until = noon + 15 * second;
        CHECK(answer_to(request) == "old\n0\n1\n");
        request.what.until = noon - 1800 * second;
        CHECK(answer_to(request) == "old\n");
    }
    SECTION("both")
    {
        request.what.since = noon + 11 * second;
        request.what.until = noon + 15 * second;
        CHECK(answer_to(request) == "1\n");
    }
    SECTION("the last ones of them")
    {
        request.what.until = noon + 15 * second;
        request.what.lines = 1;
        CHECK(answer_to(request) == "1\n");
    }
    SECTION("marks of another file are none")
    {
        append(folder / "other", "");
        std::filesystem::rename(log, folder / "gone");
        append(log, "0\n1\n");
        request.what.since = noon + 20 * second;
        CHECK(answer_to(request) == "0\n1\n");
    }
}

TEST_CASE("lines that say their time are taken by it", "[log_history]")
{
    const scratch_folder folder;
    const std::string log = folder / "web.log";
    for (int i = 0; i < 5; ++i)
        append(log, time_text(noon + i * second) + " " + std::to_string(i) + "\n");
    log_source source{.name = "web", .path = log};
    source.timestamps = log_timestamps::iso;
    log_request request = of({source});
    request.what.since = noon + second;
    request.what.until = noon + 3 * second;
    request.what.pattern = "^[^2]$"; // of the message alone
    CHECK(answer_to(request) == time_text(noon + second) + " 1\n" + time_text(noon + 3 * second) + " 3\n");
}

TEST_CASE("several logs are merged by their times", "[log_history]")
{
    const scratch_folder folder;
    append(folder / "a", time_text(noon) + " 1\n" + time_text(noon + 20 * second) + " 3\n");
    append(folder / "b", "2\n4\n");
    mark(folder / "b", {{0, noon + 10 * second}, {2, noon + 30 * second}});
    log_source stamped{.name = "a", .path = folder / "a"};
    stamped.timestamps = log_timestamps::iso;
    log_request request = of({stamped, {.name = "other", .path = folder / "b"}});
    CHECK(answer_to(request) == "a     | " + time_text(noon) + " 1\n" + "other | 2\n" + "a     | " +
                                    time_text(noon + 20 * second) + " 3\n" + "other | 4\n");
    SECTION("with coloured names")
    {
        request.what.has_color = true;
        request.what.pattern = "[12]";
        CHECK(answer_to(request) ==
              "\x1b[36ma     | \x1b[0m" + time_text(noon) + " 1\n" + "\x1b[33mother | \x1b[0m2\n");
    }
    SECTION("as objects")
    {
        request.what.output = log_output::json;
        request.what.pattern = "[12]";
        log_client c([&](int socket) { return serve_log(socket, request); });
        CHECK(c.all() ==
              "{\"time\":\"" + time_text(noon) +
                  "\",\"time_is_from\":\"line\",\"program\":\"a\",\"instance\":\"a\",\"message\":\"1\"}\n"
                  "{\"time\":\"" +
                  time_text(noon + 10 * second) +
                  "\",\"time_is_from\":\"mark\",\"program\":\"other\",\"instance\":\"other\",\"message\":"
                  "\"2\"}\n");
        CHECK(c.head().find("Content-Type: application/x-ndjson\r\n") != std::string::npos);
    }
}

TEST_CASE("a log that is none says where to look", "[log_history]")
{
    const scratch_folder folder;
    append(folder / "a", "1\n");
    log_source journal{.name = "web", .path = ""};
    journal.note = "its output goes to the journal: `journalctl -t web`";
    CHECK(answer_to(of({journal})) == "web: its output goes to the journal: `journalctl -t web`\n");
    CHECK(answer_to(of({{.name = "a", .path = folder / "a"}, journal})) ==
          "web: its output goes to the journal: `journalctl -t web`\na   | 1\n");
}

TEST_CASE("what cannot be answered is an error of the API", "[log_history]")
{
    log_request request = of({{.name = "web", .path = "/nowhere/web.log"}});
    SECTION("a stream that nobody can tell")
    {
        request.what.stream = "stderr";
        log_client c([&](int socket) { return serve_log(socket, request); });
        CHECK(c.all().starts_with(R"({"kind":"streams-shared","message":"the standard output and)"));
        CHECK(c.head().starts_with("HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\n"));
    }
    SECTION("a pattern that is none")
    {
        request.what.pattern = "(";
        log_client c([&](int socket) { return serve_log(socket, request); });
        CHECK(c.all().starts_with(R"({"kind":"bad-request","message":"the pattern '(' is not)"));
        CHECK(c.head().starts_with("HTTP/1.1 400 Bad Request\r\n"));
    }
}

namespace {

// A rotation, step by step as the output process does it (the unfinished line goes along).
void rotate(const std::string& log, unsigned number)
{
    std::ifstream in(log, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const std::size_t end = text.rfind('\n') + 1; // npos + 1 is 0
    append(next_name(log), text.substr(end));
    REQUIRE(::truncate(log.c_str(), static_cast<off_t>(end)) == 0);
    std::filesystem::rename(log, rotated_name(log, number));
    std::filesystem::rename(next_name(log), log);
}

} // namespace

TEST_CASE("following goes on across rotations", "[log_history]")
{
    const scratch_folder folder;
    const std::string log = folder / "web.log";
    append(log + ".1", "0\n");
    append(log, "1\n");
    log_request request{.sources = {{.name = "web", .path = log}}, .what = {}};
    request.what.follow = true;
    log_client c([&](int socket) { return serve_log(socket, request); });
    CHECK(c.next(4) == "0\n1\n");

    SECTION("at the end of a line")
    {
        rotate(log, 2);
        append(log, "2\n");
        CHECK(c.next(2) == "2\n");
    }
    SECTION("in the middle of a line")
    {
        append(log, "2\nthr");
        CHECK(c.next(2) == "2\n");
        rotate(log, 2);
        append(log, "ee\n");
        CHECK(c.next(6) == "three\n");
    }
    SECTION("in the middle of a line that was shown already")
    {
        append(log, "login: ");
        CHECK(c.next(7) == "login: ");
        rotate(log, 2);
        append(log, "root\n");
        CHECK(c.next(5) == "root\n");
    }
    SECTION("twice, and compressed")
    {
        append(log, "2\n");
        rotate(log, 2);
        append(log, "3\n");
        rotate(log, 3);
        append(log, "4\n");
        REQUIRE(compress_file(log + ".2"));
        REQUIRE(compress_file(log + ".3"));
        CHECK(c.next(6) == "2\n3\n4\n");
    }
    SECTION("so fast that files are gone")
    {
        // Stopped, it sees the end of it alone.
        REQUIRE(c.stop());
        for (unsigned number = 2; number < 6; ++number) {
            append(log, std::to_string(number) + "\n");
            rotate(log, number);
        }
        std::filesystem::remove(log + ".3");
        append(log, "end\n");
        c.go_on();
        const std::string missing = "web: " + log + ".3 was removed before it was read\n";
        const std::string expected = "2\n" + missing + "4\n5\nend\n";
        CHECK(c.next(expected.size()) == expected);
    }
    CHECK(c.hang_up() == 0);
}

TEST_CASE("a client that does not read is left without being waited for by anybody else", "[log_history]")
{
    const scratch_folder folder;
    append(folder / "log", std::string(4'000'000, 'x') + "\n");
    const log_request request = of({{.name = "a", .path = folder / "log"}});
    log_client c([&](int socket) { return serve_log(socket, request); });
    // It is blocked in its write, and ends as soon as nobody will read any more.
    CHECK(c.hang_up() == 0);
}
