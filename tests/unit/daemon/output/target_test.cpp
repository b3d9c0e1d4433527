#include "daemon/output/target.h"
#include "tests/unit/daemon/output/target_tools.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

using namespace procctl;
using namespace procctl::output;
using namespace procctl::target_tests;
using namespace std::chrono_literals;
using tests::scratch_folder;
using status = outcome::status;

namespace {

std::string got_from(int fd)
{
    std::string got(100'000, '\0');
    const ssize_t n = ::read(fd, got.data(), got.size());
    got.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return got;
}

} // namespace

TEST_CASE("a target tells an empty pipe from one that has ended", "[target]")
{
    const scratch_folder folder;
    const std::string path = GENERATE(true, false) ? "/dev/null" : folder / "file";
    CAPTURE(path);
    test_pipe pipe;
    target to(path);
    REQUIRE(to.open() == 0);
    CHECK(to.take(pipe.read.get(), 100, noon).what == status::pipe_empty);
    put(pipe.write.get(), "text");
    const auto moved = to.take(pipe.read.get(), 3, noon);
    CHECK(moved.what == status::moved);
    CHECK(moved.bytes == 3);
    CHECK(bytes_in(pipe.read.get()) == 1);
    pipe.write.reset();
    CHECK(to.take(pipe.read.get(), 100, noon).bytes == 1);
    CHECK(to.take(pipe.read.get(), 100, noon).what == status::pipe_ended);
}

TEST_CASE("a file others append to loses nothing", "[target]")
{
    const scratch_folder folder;
    test_pipe pipe;
    target to(folder / "log");
    put(pipe.write.get(), "1\n");
    move_all(to, pipe);
    std::ofstream(folder / "log", std::ios::app) << "stranger\n";
    put(pipe.write.get(), "2\n");
    move_all(to, pipe);
    CHECK(content_of(folder / "log") == "1\nstranger\n2\n");
}

TEST_CASE("a file that was renamed is left for a new one of the old name within a second", "[target]")
{
    const std::string theirs = GENERATE("", "theirs\n"); // what others make under the name meanwhile
    const scratch_folder folder;
    test_pipe pipe;
    target to(folder / "log");
    put(pipe.write.get(), "1\n");
    move_all(to, pipe);
    std::filesystem::rename(folder / "log", folder / "old");
    put(pipe.write.get(), "2\n");
    move_all(to, pipe); // the path is looked up once a second
    CHECK(content_of(folder / "old") == "1\n2\n");
    CHECK_FALSE(to.has_notices());

    put(pipe.write.get(), "3\n");
    if (!theirs.empty()) std::ofstream(folder / "log") << theirs;
    move_all(to, pipe, noon + 1s);
    CHECK(content_of(folder / "old") == "1\n2\n");
    CHECK(content_of(folder / "log") == theirs + "3\n");
    CHECK(to.take_notices() == happenings{{notice_kind::recreated, 0, folder / "log"}});
    CHECK_FALSE(to.has_notices());
}

TEST_CASE("other settings count from the next bytes on", "[target]")
{
    const scratch_folder folder;
    test_pipe pipe;
    target to(folder / "log");
    put(pipe.write.get(), "1\n2\n3\n");
    move_all(to, pipe);
    CHECK_FALSE(std::filesystem::exists(folder / "log.1"));
    file_settings small;
    small.max_size = 8;
    to.use_settings(small);
    put(pipe.write.get(), "4\n5\n");
    move_all(to, pipe);
    CHECK(content_of(folder / "log.1") == "1\n2\n3\n4\n");
    CHECK(content_of(folder / "log") == "5\n");
}

TEST_CASE("a file that was deleted is made again, and its folder, at once", "[target]")
{
    const scratch_folder folder;
    test_pipe pipe;
    target to(folder / "a/b/log");
    put(pipe.write.get(), "1\n");
    move_all(to, pipe);
    std::filesystem::remove_all(folder / "a");
    put(pipe.write.get(), "2\n");
    SECTION("by take()") { move_all(to, pipe); }
    SECTION("by put()")
    {
        CHECK(to.put("2\n", noon).bytes == 2);
        CHECK(bytes_in(pipe.read.get()) == 2);
    }
    CHECK(content_of(folder / "a/b/log") == "2\n");
    CHECK(to.take_notices() == happenings{{notice_kind::recreated, 0, folder / "a/b/log"}});
}

TEST_CASE("a file that was deleted and cannot be made again keeps the bytes in the pipe", "[target]")
{
    const scratch_folder folder;
    test_pipe pipe;
    target to(folder / "a/log");
    put(pipe.write.get(), "1\n");
    move_all(to, pipe);
    std::filesystem::remove_all(folder / "a");
    std::ofstream(folder / "a") << "no folder";
    put(pipe.write.get(), "2\n");
    const outcome o = to.take(pipe.read.get(), 100, noon);
    CHECK(o.what == status::cannot_open);
    CHECK(o.errno_value == ENOTDIR);
    CHECK(bytes_in(pipe.read.get()) == 2);
    std::filesystem::remove(folder / "a");
    move_all(to, pipe);
    CHECK(content_of(folder / "a/log") == "2\n");
}

TEST_CASE("reopening looks the path up anew", "[target]")
{
    const scratch_folder folder;
    target to(folder / "log");
    CHECK(to.put("1\n", noon).bytes == 2);
    SECTION("and stays where the file is the same")
    {
        const int before = to.descriptor();
        CHECK(to.reopen() == 0);
        CHECK(to.descriptor() == before);
    }
    SECTION("and takes the new file")
    {
        std::filesystem::rename(folder / "log", folder / "old");
        CHECK(to.reopen() == 0);
        CHECK(to.put("2\n", noon).bytes == 2);
        CHECK(content_of(folder / "log") == "2\n");
        CHECK_FALSE(to.has_notices());
    }
    SECTION("and keeps the old one while there is none")
    {
        std::filesystem::rename(folder / "log", folder / "old");
        std::filesystem::create_directory(folder / "log");
        CHECK(to.reopen() == EISDIR);
        CHECK(to.put("2\n", noon).bytes == 2);
        CHECK(content_of(folder / "old") == "1\n2\n");
    }
}

TEST_CASE("files are made with their mode and owner", "[target]")
{
    const scratch_folder folder;
    const ::mode_t old_mask = ::umask(0077);
    target to(folder / "log", {.mode = 0664, .uid = 12, .gid = 34});
    CHECK(to.open() == 0);
    ::umask(old_mask);
    struct stat made {};
    REQUIRE(::stat((folder / "log").c_str(), &made) == 0);
    CHECK((made.st_mode & 07777U) == 0664U);
    if (::geteuid() == 0) {
        CHECK(made.st_uid == 12);
        CHECK(made.st_gid == 34);
        CHECK_FALSE(to.has_notices());
    } else {
        CHECK(to.take_notices() == happenings{{notice_kind::cannot_own, EPERM, folder / "log"}});
    }
    SECTION("those that exist stay as they are")
    {
        to.close();
        REQUIRE(::chmod((folder / "log").c_str(), 0600) == 0);
        CHECK(to.open() == 0);
        REQUIRE(::stat((folder / "log").c_str(), &made) == 0);
        CHECK((made.st_mode & 07777U) == 0600U);
    }
}

TEST_CASE("the tail is what was written last", "[target]")
{
    const scratch_folder folder;
    target to(folder / "log");
    CHECK(to.tail(10).empty());
    CHECK(to.put("one\ntwo\n", noon).bytes == 8);
    CHECK(to.tail(5) == "\ntwo\n");
    CHECK(to.tail(100) == "one\ntwo\n");
    CHECK(to.rotate(noon) == 0);
    CHECK(to.tail(5) == "\ntwo\n");
    CHECK(to.put("three\n", noon).bytes == 6);
    CHECK(to.tail(8) == "o\nthree\n");
    CHECK(target("/dev/null").tail(10).empty());
}

TEST_CASE("a disk quota of the process is an error, not its end", "[target]")
{
    const scratch_folder folder;
    rlimit old{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
    const rlimit small{4, old.rlim_max};
    ::signal(SIGXFSZ, SIG_IGN);
    test_pipe pipe;
    target to(folder / "log");
    put(pipe.write.get(), "123456");
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto first = to.take(pipe.read.get(), 100, noon);
    const auto second = to.take(pipe.read.get(), 100, noon);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
    ::signal(SIGXFSZ, SIG_DFL);
    CHECK(first.bytes == 4);
    CHECK(second.what == status::cannot_write);
    CHECK(second.errno_value == EFBIG);
    move_all(to, pipe);
    CHECK(content_of(folder / "log") == "123456");
}

TEST_CASE("what cannot be opened says why", "[target]")
{
    const scratch_folder folder;
    test_pipe pipe;
    put(pipe.write.get(), "x");
    std::filesystem::create_directory(folder / "folder");
    target to(folder / "folder");
    const auto o = to.take(pipe.read.get(), 100, noon);
    CHECK(o.what == status::cannot_open);
    CHECK(o.errno_value == EISDIR);
    CHECK(bytes_in(pipe.read.get()) == 1);
}

TEST_CASE("a FIFO keeps what its readers leave", "[target]")
{
    const scratch_folder folder;
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    test_pipe pipe;
    // With a reader that is there at the start, and leaves.
    unique_fd reader(::open((folder / "fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    target to(folder / "fifo");
    put(pipe.write.get(), "one");
    move_all(to, pipe);
    CHECK(got_from(reader.get()) == "one");
    reader.reset();
    put(pipe.write.get(), "two");
    move_all(to, pipe);
    reader.reset(::open((folder / "fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    CHECK(got_from(reader.get()) == "two");

    SECTION("and says when it takes no more")
    {
        const std::string text(4096, 'x');
        outcome o;
        do {
            if (bytes_in(pipe.read.get()) == 0) put(pipe.write.get(), text);
            o = to.take(pipe.read.get(), 1U << 20U, noon);
        } while (o.what == status::moved);
        CHECK(o.what == status::target_full);
        CHECK(bytes_in(pipe.read.get()) == text.size());
    }
}

TEST_CASE("bytes of this process go where those of a pipe go", "[target]")
{
    const scratch_folder folder;
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    target to(folder / "fifo");
    CHECK(to.put("one", noon).bytes == 3);
    const unique_fd reader(::open((folder / "fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    CHECK(got_from(reader.get()) == "one");

    SECTION("as many as it takes")
    {
        std::string text;
        for (int i = 0; text.size() < 100'000; ++i)
            text += std::to_string(i) + '\n';
        std::size_t written = 0;
        std::string got;
        while (written < text.size()) {
            const outcome o = to.put(std::string_view(text).substr(written), noon);
            written += o.bytes;
            if (o.what == status::target_full) got += got_from(reader.get());
        }
        got += got_from(reader.get());
        CHECK(got == text);
        while (to.put(text, noon).what == status::moved)
            continue;
        CHECK(to.put(text, noon).what == status::target_full);
    }
    SECTION("in order")
    {
        test_pipe pipe;
        put(pipe.write.get(), "two");
        move_all(to, pipe);
        CHECK(to.put("three", noon).bytes == 5);
        CHECK(got_from(reader.get()) == "twothree");
    }
}

namespace {

// Our own standard error is something else for a while.
class replaced_stderr {
public:
    explicit replaced_stderr(int by) : old_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3))
    {
        ::dup2(by, STDERR_FILENO);
    }
    replaced_stderr(const replaced_stderr&) = delete;
    replaced_stderr& operator=(const replaced_stderr&) = delete;
    ~replaced_stderr() { ::dup2(old_.get(), STDERR_FILENO); }

private:
    unique_fd old_;
};

} // namespace

TEST_CASE("standard error may be a pipe, whose flags stay as they are", "[target]")
{
    test_pipe pipe;
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const unique_fd out(ends[0]);
    const unique_fd in(ends[1]);
    const replaced_stderr now(in.get());
    target to("/dev/stderr");
    put(pipe.write.get(), "text");
    move_all(to, pipe);
    CHECK(got_from(out.get()) == "text");
    CHECK((::fcntl(in.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("standard error may be a socket", "[target]")
{
    test_pipe pipe;
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const unique_fd out(ends[0]);
    const unique_fd in(ends[1]);
    const replaced_stderr now(in.get());
    target to("/dev/stderr");
    put(pipe.write.get(), "text");
    move_all(to, pipe);
    CHECK(got_from(out.get()) == "text");

    SECTION("and says when it takes no more")
    {
        const std::string text(4096, 'x');
        outcome o;
        do {
            if (bytes_in(pipe.read.get()) == 0) put(pipe.write.get(), text);
            o = to.take(pipe.read.get(), 1U << 20U, noon);
        } while (o.what == status::moved);
        CHECK(o.what == status::target_full);
        CHECK(bytes_in(pipe.read.get()) + to.held() == text.size());
    }
}

TEST_CASE("standard error may be a file that a shell shares with us", "[target]")
{
    const scratch_folder folder;
    test_pipe pipe;
    const int append = GENERATE(0, O_APPEND);
    const unique_fd file(::open((folder / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | append, 0600));
    const replaced_stderr now(file.get());
    put(file.get(), "shell\n");
    target to("/dev/stderr");
    put(pipe.write.get(), "us\n");
    move_all(to, pipe);
    put(file.get(), "shell\n");
    CHECK(content_of(folder / "out") == "shell\nus\nshell\n");
}

TEST_CASE("a link that the owner of the folder has put there gives him no file of root's", "[target]")
{
    if (::geteuid() != 0) {
        WARN("not root: cannot give files to another user");
        SUCCEED();
        return;
    }
    constexpr uid_t stranger = 65534;
    const scratch_folder folder;
    const std::string log = folder / "his/log";
    std::filesystem::create_directory(folder / "his");
    REQUIRE(::chown((folder / "his").c_str(), stranger, stranger) == 0);
    const bool is_there = GENERATE(true, false);
    CAPTURE(is_there);
    if (is_there) folder.file("secret", "root's\n");
    std::filesystem::create_symlink("../secret", log);
    REQUIRE(::lchown(log.c_str(), stranger, stranger) == 0);

    target to(log, {.uid = stranger, .gid = stranger});
    const outcome o = to.put("line\n", noon);
    CHECK(o.what == outcome::status::cannot_open);
    CHECK(o.errno_value == EACCES);
    CHECK(content_of(folder / "secret") == (is_there ? "root's\n" : ""));
    CHECK(std::filesystem::exists(folder / "secret") == is_there);
}
