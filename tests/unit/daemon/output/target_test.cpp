#include "daemon/output/target.h"
#include "tests/unit/daemon/output/running_output.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

using namespace procctl;
using namespace procctl::output;
using namespace procctl::output_tests;
using status = target::status;

namespace {

struct test_pipe {
    test_pipe()
    {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
    unique_fd read, write;
};

// Moves all that the pipe has.
void move_all(target& to, const test_pipe& pipe)
{
    target::outcome o;
    do
        o = to.take(pipe.read.get(), 1U << 20U);
    while (o.what == status::moved);
    REQUIRE(o.what == status::pipe_empty);
}

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
    CHECK(to.take(pipe.read.get(), 100).what == status::pipe_empty);
    put(pipe.write.get(), "text");
    const auto moved = to.take(pipe.read.get(), 3);
    CHECK(moved.what == status::moved);
    CHECK(moved.bytes == 3);
    CHECK(bytes_in(pipe.read.get()) == 1);
    pipe.write.reset();
    CHECK(to.take(pipe.read.get(), 100).bytes == 1);
    CHECK(to.take(pipe.read.get(), 100).what == status::pipe_ended);
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

TEST_CASE("a file that was renamed is left for a new one of the old name", "[target]")
{
    const scratch_folder folder;
    test_pipe pipe;
    target to(folder / "log");
    put(pipe.write.get(), "1\n");
    move_all(to, pipe);
    std::filesystem::rename(folder / "log", folder / "log.1");
    // It is looked for once a second at most; till then the file of the new name has it.
    while (!std::filesystem::exists(folder / "log")) {
        put(pipe.write.get(), "x\n");
        move_all(to, pipe);
    }
    put(pipe.write.get(), "end\n");
    move_all(to, pipe);
    const std::string both = content_of(folder / "log.1") + content_of(folder / "log");
    CHECK(both.starts_with("1\nx\n"));
    CHECK(content_of(folder / "log").ends_with("end\n"));
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
    const auto first = to.take(pipe.read.get(), 100);
    const auto second = to.take(pipe.read.get(), 100);
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
    const auto o = to.take(pipe.read.get(), 100);
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
        target::outcome o;
        do {
            if (bytes_in(pipe.read.get()) == 0) put(pipe.write.get(), text);
            o = to.take(pipe.read.get(), 1U << 20U);
        } while (o.what == status::moved);
        CHECK(o.what == status::target_full);
        CHECK(bytes_in(pipe.read.get()) == text.size());
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
        target::outcome o;
        do {
            if (bytes_in(pipe.read.get()) == 0) put(pipe.write.get(), text);
            o = to.take(pipe.read.get(), 1U << 20U);
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
