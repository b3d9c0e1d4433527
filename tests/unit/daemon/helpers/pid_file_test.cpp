#include "common/unique_fd.h"
#include "daemon/helpers/pid_file.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

#include <array>
#include <filesystem>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::tests;

namespace {

// A process that lives until the object ends; `ended` ones stay zombies until then.
class child {
public:
    child() : pid_(::fork())
    {
        if (pid_ != 0) return;
        for (;;)
            ::pause();
    }
    ~child()
    {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    child(const child&) = delete;
    child& operator=(const child&) = delete;

    void end() const
    {
        ::kill(pid_, SIGKILL);
        siginfo_t info{};
        REQUIRE(::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) == 0);
    }
    [[nodiscard]] int pid() const { return pid_; }

private:
    pid_t pid_;
};

std::string problem_of(const std::string& path)
{
    const auto file = read_pid_file(path);
    REQUIRE(file.has_error());
    return file.error().message();
}

std::string own_pid() { return std::to_string(::getpid()); }

} // namespace

TEST_CASE("the first line of a PID file", "[pid_file]")
{
    for (const char* good : {"4711", "4711\n", " 4711 \r\n", "\t4711\nanother line\n", "004711"}) {
        CAPTURE(good);
        CHECK(parse_pid_line(good) == 4711);
    }
    for (const char* bad : {"", "\n4711", " ", "x", "4711x", "47 11", "-4711", "+4711", "0", "1", "0x10",
                            "4711.0", "2147483648", "99999999999999999999"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_pid_line(bad));
    }
}

TEST_CASE("a PID file names a living process", "[pid_file]")
{
    const scratch_folder folder;
    const auto path = folder.file("web.pid", own_pid() + "\n");
    const auto file = read_pid_file(path);
    REQUIRE(file);
    CHECK(file->pid == ::getpid());
    CHECK(file->is_trusted == (::getuid() == 0));
}

TEST_CASE("what is no PID file says why", "[pid_file]")
{
    const scratch_folder folder;
    const auto path = folder / "web.pid";
    const std::string cannot = "cannot read the PID file " + path;
    CHECK(problem_of(path) == cannot + ": No such file or directory");
    CHECK(problem_of("") == "cannot read the PID file : it is no regular file");

    SECTION("a folder")
    {
        std::filesystem::create_directory(path);
        CHECK(problem_of(path) == cannot + ": it is no regular file");
    }
    SECTION("a pipe that nobody writes to")
    {
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        CHECK(problem_of(path) == cannot + ": it is no regular file");
    }
    SECTION("a file in place of a folder")
    {
        folder.file("web.pid", own_pid());
        CHECK(problem_of(path + "/below") == "cannot read the PID file " + path + "/below: Not a directory");
    }
    SECTION("a circle of links")
    {
        std::filesystem::create_symlink("web.pid", path);
        CHECK(problem_of(path) == cannot + ": Too many levels of symbolic links");
    }
    SECTION("no number")
    {
        folder.file("web.pid", "");
        CHECK(problem_of(path) == "the PID file " + path + " does not begin with a process id");
    }
    SECTION("a process that has ended, whether or not it is reaped")
    {
        std::string text;
        {
            const child zombie;
            zombie.end();
            text = std::to_string(zombie.pid());
            folder.file("web.pid", text);
            CHECK(problem_of(path) ==
                  "the PID file " + path + " names process " + text + ", which does not exist");
        }
        CHECK(problem_of(path) ==
              "the PID file " + path + " names process " + text + ", which does not exist");
    }
}

TEST_CASE("links are followed, and the way decides about trust", "[pid_file]")
{
    const scratch_folder folder;
    std::filesystem::create_directories(folder / "a/b");
    const auto target = folder.file("a/b/real.pid", own_pid());
    std::filesystem::create_symlink("../a/b/real.pid", folder / "a/relative.pid");
    std::filesystem::create_symlink(target, folder / "absolute.pid");
    std::filesystem::create_symlink("a", folder / "linked");
    const auto is_trusted = [&](const std::string& name) {
        const auto file = read_pid_file(folder / name);
        REQUIRE(file);
        CHECK(file->pid == ::getpid());
        return file->is_trusted;
    };
    for (const char* name : {"a/relative.pid", "absolute.pid", "linked/b/real.pid", "a/./b/../b//real.pid"}) {
        CAPTURE(name);
        CHECK(is_trusted(name) == (::getuid() == 0));
    }
    if (::getuid() != 0) {
        WARN("not root: cannot give files to another user");
        return;
    }
    const auto give_away = [&](const std::string& name) {
        REQUIRE(::lchown((folder / name).c_str(), 65534, 65534) == 0);
    };
    give_away("a/relative.pid");
    CHECK_FALSE(is_trusted("a/relative.pid")); // another user's link to root's file
    give_away("absolute.pid");
    CHECK_FALSE(is_trusted("absolute.pid"));
    give_away("a/b");
    CHECK_FALSE(is_trusted("a/b/real.pid")); // root's file in another user's folder, perhaps linked there
    give_away("a/b/real.pid");
    CHECK_FALSE(is_trusted("a/b/real.pid"));
}

TEST_CASE("waiting for a PID file ends with it, or with whoever asked", "[pid_file]")
{
    const scratch_folder folder;
    const auto path = folder / "run/web/web.pid";
    std::array<int, 2> asker{};
    REQUIRE(::pipe2(asker.data(), O_CLOEXEC) == 0);
    unique_fd reader(asker[0]);
    const unique_fd writer(asker[1]);

    SECTION("it is there")
    {
        std::filesystem::create_directories(folder / "run/web");
        folder.file("run/web/web.pid", own_pid());
        const auto found = wait_for_pid_file(path, writer.get());
        REQUIRE(found);
        CHECK(found->pid == ::getpid());
    }
    SECTION("it comes, with its folder, after a stale one")
    {
        const pid_t maker = ::fork();
        if (maker == 0) {
            std::filesystem::create_directories(folder / "run/web");
            std::ofstream(path) << "999999999\n";
            std::ofstream(path) << ::getppid() << '\n';
            ::_exit(0);
        }
        const auto found = wait_for_pid_file(path, writer.get());
        REQUIRE(found);
        CHECK(found->pid == ::getpid());
        ::waitpid(maker, nullptr, 0);
    }
    SECTION("nobody asks any more")
    {
        reader.reset();
        CHECK_FALSE(wait_for_pid_file(path, writer.get()));
    }
}
