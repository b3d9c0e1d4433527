#include "daemon/output/record.h"
#include "tests/unit/daemon/output/running_output.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

using namespace procctl;
using namespace procctl::output_tests;

TEST_CASE("what is written into a stream is in its file", "[output]")
{
    const scratch_folder folder;
    running_output out;
    const std::string path = folder / "made/for/it/web.log";
    const stream_id web = out.open(path);
    put(out.client.write_end(web), "one\ntwo\n");
    out.drain();
    CHECK(content_of(path) == "one\ntwo\n");

    struct stat file {};
    struct stat made {};
    REQUIRE(::stat(path.c_str(), &file) == 0);
    REQUIRE(::stat((folder / "made/for").c_str(), &made) == 0);
    CHECK((file.st_mode & 07777U) == 0640U);
    CHECK((made.st_mode & 07777U) == 0750U);

    const auto slot = output::read_slot(out.client.record(), out.client.slot(web));
    REQUIRE(slot);
    CHECK(slot->stream == web);
    CHECK(slot->ino == file.st_ino);
    CHECK(slot->position == 8);
    CHECK(slot->moved == 8);
    CHECK(out.reports.empty());
}

TEST_CASE("an existing file is appended to", "[output]")
{
    const scratch_folder folder;
    std::ofstream(folder / "log") << "old\n";
    running_output out;
    put(out.client.write_end(out.open(folder / "log")), "new\n");
    out.drain();
    CHECK(content_of(folder / "log") == "old\nnew\n");
}

TEST_CASE("two streams may share a file", "[output]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id a = out.open(folder / "log");
    const stream_id b = out.open(folder / "log");
    for (int i = 0; i < 3; ++i) {
        put(out.client.write_end(a), "a\n");
        out.drain();
        put(out.client.write_end(b), "b\n");
        out.drain();
    }
    CHECK(content_of(folder / "log") == "a\nb\na\nb\na\nb\n");
}

TEST_CASE("a closed stream is written to its end, and its slot is used again", "[output]")
{
    const scratch_folder folder;
    running_output out;
    const std::string text(60'000, 'x');
    const stream_id first = out.open(folder / "first");
    const auto slot = out.client.slot(first);
    put(out.client.write_end(first), text);
    out.client.close(first);
    CHECK(out.client.write_end(first) == -1);
    out.until([&] { return out.client.read_end(first) == -1; });
    CHECK(content_of(folder / "first") == text);

    const stream_id second = out.open(folder / "second");
    CHECK(second != first);
    CHECK(out.client.slot(second) == slot);
    put(out.client.write_end(second), "2");
    out.drain();
    CHECK(output::read_slot(out.client.record(), slot)->moved == 1);
}

TEST_CASE("a stream that is closed goes on for whoever outlives the program, until the last of them ends",
          "[output]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id id = out.open(folder / "log");
    unique_fd survivor(::fcntl(out.client.write_end(id), F_DUPFD_CLOEXEC, 3));
    put(survivor.get(), "before\n");
    out.client.close(id);
    out.drain();
    CHECK(out.client.read_end(id) != -1);
    put(survivor.get(), "after\n");
    survivor.reset();
    out.until([&] { return out.client.read_end(id) == -1; });
    CHECK(content_of(folder / "log") == "before\nafter\n");
}

TEST_CASE("a thousand streams at once", "[output]")
{
    rlimit limit{}; // the usual soft limit of 1,024 is for programs that use select(2)
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    const scratch_folder folder;
    running_output out;
    std::vector<stream_id> ids;
    for (int i = 0; i < 1000; ++i)
        ids.push_back(out.open(folder / std::to_string(i)));
    for (const stream_id id : ids)
        put(out.client.write_end(id), std::to_string(id));
    out.drain();
    for (std::size_t i = 0; i < ids.size(); ++i)
        REQUIRE(content_of(folder / std::to_string(i)) == std::to_string(ids[i]));
    for (const stream_id id : ids)
        out.client.close(id);
    out.until([&] { return out.client.read_end(ids.back()) == -1; });
}

TEST_CASE("a file that was truncated goes on at its start", "[output]")
{
    const scratch_folder folder;
    running_output out;
    const int log = out.client.write_end(out.open(folder / "log"));
    put(log, "before\n");
    out.drain();
    REQUIRE(::truncate((folder / "log").c_str(), 0) == 0);
    put(log, "after\n");
    out.drain();
    CHECK(content_of(folder / "log") == "after\n");
}

TEST_CASE("a file that was deleted is made again, and that is said", "[output]")
{
    const scratch_folder folder;
    running_output out;
    const int log = out.client.write_end(out.open(folder / "deep/log"));
    put(log, "before\n");
    out.drain();
    std::filesystem::remove_all(folder / "deep");
    put(log, "after\n");
    out.drain();
    CHECK(content_of(folder / "deep/log") == "after\n");
    REQUIRE(out.reports.size() == 1);
    CHECK(out.reports[0].what == stream_report::kind::notice);
    CHECK(out.reports[0].message.ends_with("log was deleted or moved away; began it anew"));
}

TEST_CASE("a target that cannot be opened is reported once, and its bytes wait", "[output]")
{
    const scratch_folder folder;
    running_output out;
    std::ofstream(folder / "not-a-folder") << "";
    const std::string path = folder / "not-a-folder/log";
    const int log = out.client.write_end(out.open(path));
    put(log, "kept\n");
    out.until([&] { return !out.reports.empty(); });
    CHECK(out.reports[0].path == path);
    CHECK(out.reports[0].errno_value == ENOTDIR);
    CHECK(out.reports[0].message == "cannot open " + path + ": Not a directory");

    std::filesystem::remove(folder / "not-a-folder");
    out.until([&] { return out.reports.size() > 1; });
    CHECK(out.reports[1].errno_value == 0);
    out.drain();
    CHECK(content_of(path) == "kept\n");
    CHECK(out.reports.size() == 2);
}

TEST_CASE("dropping is no recovery", "[output]")
{
    const scratch_folder folder;
    running_output out;
    std::filesystem::create_directory(folder / "log"); // which cannot be written
    stream_settings settings;
    settings.path = folder / "log";
    settings.on_error = log_error_action::drop;
    const auto id = out.client.open(settings);
    REQUIRE(id);
    for (std::uint64_t n = 1; n <= 5; ++n) {
        put(out.client.write_end(*id), "lost\n");
        out.until([&] { return out.client.health(*id).dropped == 5 * n; });
    }
    REQUIRE(out.reports.size() == 1);
    CHECK(out.reports[0].what == stream_report::kind::trouble);

    std::filesystem::remove(folder / "log");
    out.client.reopen_all();
    out.until([&] { // until it is tried again, and works
        if (content_of(folder / "log").empty()) put(out.client.write_end(*id), "kept\n");
        return out.reports.back().what == stream_report::kind::recovered;
    });
    CHECK(out.client.health(*id).trouble.empty());
}

TEST_CASE("who goes on where one was killed knows of the trouble", "[output]")
{
    const scratch_folder folder;
    running_output out;
    std::filesystem::create_directory(folder / "log"); // which cannot be written
    const stream_id id = out.open(folder / "log");
    put(out.client.write_end(id), "waits\n");
    out.until([&] { return out.reports.size() == 1; });
    REQUIRE(out.client.process_ids().size() == 1);
    ::kill(out.client.process_ids()[0], SIGKILL);
    std::filesystem::remove(folder / "log");
    out.until([&] { return out.deaths == 1 && out.reports.size() == 2; });
    CHECK(out.reports[1].what == stream_report::kind::recovered);
    CHECK(out.client.health(id).trouble.empty());
    CHECK(content_of(folder / "log") == "waits\n");
}

TEST_CASE("a FIFO that nobody reads holds up no one, and loses nothing", "[output]")
{
    const scratch_folder folder;
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    running_output out;
    const int to_fifo = out.client.write_end(out.open(folder / "fifo"));
    const int to_file = out.client.write_end(out.open(folder / "log"));
    // More than a FIFO takes: 64 KiB go into it, the rest stays in the program's pipe.
    std::string text;
    for (int i = 0; text.size() < 100'000; ++i)
        text += std::to_string(i) + "\n";
    put(to_fifo, text);
    put(to_file, "unhindered\n");
    out.until([&] { return content_of(folder / "log") == "unhindered\n"; });
    CHECK(out.reports.empty());

    const unique_fd reader(::open((folder / "fifo").c_str(), O_RDONLY | O_CLOEXEC));
    std::string got(text.size(), '\0');
    for (std::size_t n = 0; n < got.size();) {
        const ssize_t more = ::read(reader.get(), got.data() + n, got.size() - n);
        REQUIRE(more > 0);
        n += static_cast<std::size_t>(more);
    }
    CHECK(got == text);
}

TEST_CASE("another output process goes on where one was killed", "[output]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id id = out.open(folder / "log");
    put(out.client.write_end(id), "one\n");
    out.drain();
    out.kill_process();
    put(out.client.write_end(id), "two\n");
    out.until([&] { return out.deaths == 1; });
    out.drain();
    CHECK(content_of(folder / "log") == "one\ntwo\n");
    const auto slot = output::read_slot(out.client.record(), out.client.slot(id));
    REQUIRE(slot);
    CHECK(slot->moved == 8);
}

TEST_CASE("a stream closed while the output process is dead is still written", "[output]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id id = out.open(folder / "log");
    out.drain();
    out.kill_process();
    put(out.client.write_end(id), "late\n");
    out.client.close(id);
    out.until([&] { return out.client.read_end(id) == -1; });
    CHECK(content_of(folder / "log") == "late\n");
}

TEST_CASE("told to stop, the output process empties its pipes and ends for good", "[output]")
{
    const scratch_folder folder;
    running_output out;
    const stream_id id = out.open(folder / "log");
    const std::string text(60'000, 'y');
    put(out.client.write_end(id), text);
    out.stop();
    CHECK(content_of(folder / "log") == text);
    CHECK(out.deaths == 1);
}

TEST_CASE("signals meant for a whole terminal do not end it", "[output]")
{
    const scratch_folder folder;
    running_output out;
    out.drain(); // by now it ignores them
    for (const int number : {SIGINT, SIGTERM, SIGHUP})
        REQUIRE(::kill(out.process_id(), number) == 0);
    put(out.client.write_end(out.open(folder / "log")), "still here\n");
    out.drain();
    CHECK(content_of(folder / "log") == "still here\n");
    CHECK(out.deaths == 0);
}

TEST_CASE("a daemon that dies takes no output with it", "[output]")
{
    const scratch_folder folder;
    // The write end that a program has, and one that tells when the output process is gone.
    unique_fd program;
    unique_fd life;
    {
        running_output out;
        const stream_id id = out.open(folder / "log");
        program.reset(::fcntl(out.client.write_end(id), F_DUPFD_CLOEXEC, 3));
        out.drain();
        life.reset(static_cast<int>(::syscall(SYS_pidfd_open, out.process_id(), 0)));
        REQUIRE(life);
        out.leave_process_alone();
    }
    put(program.get(), "to the last\n");
    program.reset();
    siginfo_t end{};
    REQUIRE(::waitid(P_PIDFD, static_cast<id_t>(life.get()), &end, WEXITED) == 0);
    CHECK(end.si_status == 0);
    CHECK(content_of(folder / "log") == "to the last\n");
}
