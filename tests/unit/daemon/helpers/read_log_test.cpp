#include "common/unique_fd.h"
#include "daemon/helpers/tail.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"
#include "tests/unit/daemon/helpers/log_client.h"

#include <filesystem>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace procctl;

namespace {

using tests::answer_to;
using tests::append;
using client = tests::log_client;
using tests::scratch_folder;

constexpr std::size_t block = 64 * 1024; // of start_of_last_lines

log_request last_lines_of(std::vector<log_source> sources, unsigned lines)
{
    return {.sources = std::move(sources), .what = {.lines = lines}};
}

std::string last_lines(std::vector<log_source> sources, unsigned lines)
{
    return answer_to(last_lines_of(std::move(sources), lines));
}

log_request followed(std::vector<log_source> sources, unsigned lines)
{
    log_request request = last_lines_of(std::move(sources), lines);
    request.what.follow = true;
    return request;
}

// What `lines` lines of a file with this content are.
std::string tail_of(const std::string& content, unsigned lines)
{
    const scratch_folder folder;
    append(folder / "f", content);
    const unique_fd file(::open((folder / "f").c_str(), O_RDONLY | O_CLOEXEC));
    const auto start = start_of_last_lines(file.get(), 0, content.size(), lines);
    REQUIRE(start);
    return content.substr(start->offset);
}

} // namespace

TEST_CASE("the last lines of a file", "[tail]")
{
    CHECK(tail_of("", 3).empty());
    CHECK(tail_of("a\nb\nc\n", 0).empty());
    CHECK(tail_of("a\nb\nc\n", 1) == "c\n");
    CHECK(tail_of("a\nb\nc\n", 2) == "b\nc\n");
    CHECK(tail_of("a\nb\nc\n", 3) == "a\nb\nc\n");
    CHECK(tail_of("a\nb\nc\n", 4) == "a\nb\nc\n");
    CHECK(tail_of("a\nb\nc", 2) == "b\nc");
    CHECK(tail_of("\n", 1) == "\n");
    CHECK(tail_of("a\n\n\n", 2) == "\n\n");
    CHECK(tail_of(std::string("a\0b\nc\0\n", 7), 1) == std::string("c\0\n", 3));
}

TEST_CASE("lines across the borders of the blocks that are read", "[tail]")
{
    const auto length =
        GENERATE(std::size_t{block - 2}, block - 1, block, block + 1, 2 * block, 3 * block + 7);
    CAPTURE(length);
    const std::string long_line = std::string(length, 'x') + "\n";
    CHECK(tail_of(long_line, 1) == long_line);
    CHECK(tail_of("first\n" + long_line, 1) == long_line);
    CHECK(tail_of("first\n" + long_line + "last\n", 2) == long_line + "last\n");
    CHECK(tail_of("first\n" + long_line + long_line, 2) == long_line + long_line);
    CHECK(tail_of("first\n" + long_line, 2) == "first\n" + long_line);
}

TEST_CASE("a response of plain text", "[read_log]")
{
    const scratch_folder folder;
    append(folder / "web.log", "1\n2\n\xff\xfe 3");
    const std::vector<log_source> sources{{"web", folder / "web.log"}};
    client c([&](int socket) { return serve_log(socket, last_lines_of(sources, 2)); });
    CHECK(c.all() == "2\n\xff\xfe 3");
    CHECK(c.head() == "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
                      "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    CHECK(c.hang_up() == 0);
}

TEST_CASE("logs of several instances have their names before each line", "[read_log]")
{
    const scratch_folder folder;
    append(folder / "1", "one\ntwo\nunfinished");
    append(folder / "2", "three\n");
    CHECK(last_lines({{"web@1", folder / "1"}, {"api", folder / "2"}}, 2) ==
          "web@1 | two\nweb@1 | unfinished\napi   | three\n");
}

TEST_CASE("a log that is missing or empty has no lines, and one that cannot be read back says so",
          "[read_log]")
{
    const scratch_folder folder;
    append(folder / "empty", "");
    CHECK(last_lines({{"a", folder / "missing"}}, 10).empty());
    CHECK(last_lines({{"a", folder / "empty"}}, 10).empty());
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    CHECK(last_lines({{"a", folder / "fifo"}}, 10) ==
          "a: cannot read " + (folder / "fifo") + ": not a file that can be read back\n");
}

TEST_CASE("a large log reaches a client that reads slowly, whole", "[read_log]")
{
    const scratch_folder folder;
    std::string text;
    for (int i = 0; text.size() < 2'000'000; ++i)
        text += std::to_string(i) + "\n";
    append(folder / "log", text);
    const std::vector<log_source> sources{{"a", folder / "log"}};
    client c([&](int socket) {
        // As the daemon's loop leaves it.
        ::fcntl(socket, F_SETFL, O_NONBLOCK);
        return serve_log(socket, last_lines_of(sources, 1'000'000));
    });
    CHECK(c.all() == text);
}

TEST_CASE("a followed log goes on through whatever happens to its file", "[read_log]")
{
    const scratch_folder folder;
    const std::string log = folder / "deep/er/log";
    const std::vector<log_source> sources{{"a", log}};
    client c([&](int socket) { return serve_log(socket, followed(sources, 10)); });

    std::filesystem::create_directories(folder / "deep/er");
    append(log, "made\n");
    CHECK(c.next(5) == "made\n");
    append(log, "part");
    CHECK(c.next(4) == "part");

    SECTION("truncated")
    {
        REQUIRE(::truncate(log.c_str(), 0) == 0);
        append(log, "cut\n");
        CHECK(c.next(4) == "cut\n");
    }
    SECTION("renamed, written to under its new name, and made again")
    {
        std::filesystem::rename(log, log + ".1");
        append(log + ".1", "old\n");
        CHECK(c.next(4) == "old\n");
        append(log, "new\n");
        CHECK(c.next(4) == "new\n");
    }
    SECTION("deleted with its folder, and made again")
    {
        std::filesystem::remove_all(folder / "deep");
        std::filesystem::create_directories(folder / "deep/er");
        append(log, "again\n");
        CHECK(c.next(6) == "again\n");
    }
    CHECK(c.hang_up() == 0);
}

TEST_CASE("following begins with the last lines, and mixes whole lines of several logs", "[read_log]")
{
    const scratch_folder folder;
    append(folder / "1", "old\nlast\npar");
    const std::vector<log_source> sources{{"a", folder / "1"}, {"b", folder / "2"}};
    client c([&](int socket) { return serve_log(socket, followed(sources, 2)); });
    CHECK(c.next(9) == "a | last\n");
    append(folder / "2", "two\n");
    CHECK(c.next(8) == "b | two\n");
    append(folder / "1", "tial\n");
    CHECK(c.next(12) == "a | partial\n");
    CHECK(c.hang_up() == 0);
}

TEST_CASE("many logs are followed at once", "[read_log]")
{
    const scratch_folder folder;
    std::vector<log_source> sources;
    for (int i = 10; i < 60; ++i)
        sources.push_back({std::to_string(i), folder / std::to_string(i)});
    client c([&](int socket) { return serve_log(socket, followed(sources, 10)); });
    for (const log_source& s : sources)
        append(s.path, "x\n");
    const std::string lines = c.next(sources.size() * 7);
    for (const log_source& s : sources)
        CHECK(lines.find(s.name + " | x\n") != std::string::npos);
    CHECK(c.hang_up() == 0);
}

TEST_CASE("the text of an entry ends where the next one begins", "[read_log]")
{
    const std::string text = "programs:\n"
                             "  web:\n"               // 2
                             "    exec_start: a\n"    // 3
                             "\n"                     // 4
                             "    # a comment\n"      // 5
                             "    environment:\n"     // 6
                             "      A: b\n"           // 7
                             "\n"                     // 8
                             "  # about api\n"        // 9
                             "  api: {restart: no,\n" // 10
                             "    exec_start: x\n"    // 11
                             "  }\n"                  // 12
                             "  last: {}";            // 13
    CHECK(entry_at(text, 2) ==
          "  web:\n    exec_start: a\n\n    # a comment\n    environment:\n      A: b\n");
    CHECK(entry_at(text, 10) == "  api: {restart: no,\n    exec_start: x\n  }\n");
    CHECK(entry_at(text, 13) == "  last: {}");
    CHECK(entry_at(text, 14).empty());
    CHECK(entry_at(text, 0).empty());
    CHECK(entry_at("", 1).empty());
}

TEST_CASE("entries are shown with the place where they stand", "[read_log]")
{
    const scratch_folder folder;
    append(folder / "a.yaml", "programs:\n  web:\n    exec_start: a\n  api:\n    exec_start: b");
    const std::vector<text_source> sources{
        {folder / "a.yaml", 2}, {folder / "a.yaml", 4}, {folder / "gone", 1}};
    client c([&](int socket) { return serve_text(socket, sources); });
    CHECK(c.all() == "# " + (folder / "a.yaml") + ":2\n  web:\n    exec_start: a\n\n# " +
                         (folder / "a.yaml") + ":4\n  api:\n    exec_start: b\n\n# " + (folder / "gone") +
                         ":1: cannot open: No such file or directory\n");
}
