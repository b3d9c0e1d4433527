// A process that is killed while it rotates loses no byte, doubles none and puts none out of order.
#include "common/log_names.h"
#include "tests/unit/daemon/output/target_tools.h"

#include <charconv>
#include <functional>
#include <optional>
#include <random>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

using namespace procctl;
using namespace procctl::output;
using namespace procctl::target_tests;
using namespace std::chrono_literals;
using tests::scratch_folder;

namespace {

enum class end { finished, killed, not_traced };

// Runs it in a child that is killed when it has entered or left so many system calls.
end run_killed_after(unsigned stops, const std::function<void()>& run)
{
    constexpr int not_traced = 77;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) < 0) ::_exit(not_traced);
        ::raise(SIGSTOP);
        run();
        ::_exit(0);
    }
    int status = 0;
    for (unsigned i = 0;; ++i) {
        REQUIRE(::waitpid(child, &status, 0) == child);
        if (WIFEXITED(status)) return WEXITSTATUS(status) == not_traced ? end::not_traced : end::finished;
        REQUIRE(WIFSTOPPED(status));
        if (i == stops) break;
        REQUIRE(::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) == 0);
    }
    // At the entry of a system call: killed before it begins.
    ::kill(child, SIGKILL);
    REQUIRE(::waitpid(child, &status, 0) == child);
    return end::killed;
}

std::string all_of(const std::string& folder)
{
    std::string all;
    for (std::uint64_t i = 1; i < 5; ++i)
        all += content_of(rotated_name(folder + "/log", i));
    return all + content_of(folder + "/log");
}

} // namespace

TEST_CASE("a process may be killed at each system call of a rotation, and again at each of the recovery",
          "[rotation][killed]")
{
    const std::string text = GENERATE("one\ntwo\nthr", "one\ntwo\n");
    CAPTURE(text);
    unsigned rotations_killed = 0, recoveries_killed = 0;
    for (unsigned n = 0;; ++n) {
        end how = end::killed;
        for (unsigned m = 0;; ++m) {
            CAPTURE(n, m);
            const scratch_folder folder;
            target to(folder / "log");
            REQUIRE(to.put(text, noon).bytes == text.size());
            how = run_killed_after(n, [&] { static_cast<void>(to.rotate(noon)); });
            if (how == end::not_traced) {
                WARN("skipped: no process may be traced here");
                return;
            }
            target next(folder / "log");
            const end recovery = run_killed_after(m, [&] { static_cast<void>(next.open()); });
            recoveries_killed += recovery == end::killed ? 1 : 0;
            REQUIRE(next.open() == 0);
            REQUIRE(next.put("!\n", noon).bytes == 2);
            REQUIRE(all_of(folder.path()) == text + "!\n");
            REQUIRE_FALSE(std::filesystem::exists(folder / "log.new"));
            REQUIRE_FALSE(std::filesystem::exists(folder / "log.2"));
            if (recovery == end::finished) break;
        }
        if (how == end::finished) break;
        ++rotations_killed;
    }
    CHECK(rotations_killed > 20);
    CHECK(recoveries_killed > 200);
}

namespace {

// Reads what has been rotated away, as it goes, and checks that each number comes once and in order.
class numbered_reader {
public:
    explicit numbered_reader(std::string log) : log_(std::move(log)) {}

    // Reads the files that are rotated, and removes all but the last.
    void read_rotated()
    {
        for (;; ++read_) {
            const std::string name = rotated_name(log_, read_ + 1);
            if (!std::filesystem::exists(name)) return;
            add(content_of(name), name);
            if (read_ == 0) continue;
            std::filesystem::remove(rotated_name(log_, read_));
            std::filesystem::remove(marks_name(rotated_name(log_, read_)));
        }
    }
    void read_log() { add(content_of(log_), log_); }
    [[nodiscard]] unsigned next() const { return next_; }
    [[nodiscard]] std::uint64_t files() const { return read_; }

private:
    void add(const std::string& text, const std::string& name)
    {
        // A file that is old, and has nothing but the beginning of a line, is rotated with that.
        const std::string lines = beginning_ + text;
        const char* at = lines.data();
        const char* const finish = at + lines.rfind('\n') + 1; // npos + 1 is 0
        while (at != finish) {
            unsigned number = 0;
            const auto read = std::from_chars(at, finish, number);
            if (number != next_ || read.ptr == finish || *read.ptr != '\n')
                FAIL(name << ": expected " << next_ << ", found "
                          << std::string(at, std::min(at + 30, finish)));
            ++next_;
            at = read.ptr + 1;
        }
        beginning_ = std::string(finish, lines.data() + lines.size());
    }

    std::string log_, beginning_;
    std::uint64_t read_ = 0; // number of the last file that was read
    unsigned next_ = 0;
};

// While it lives scratch folders are made in memory, where there is a file system for that: ext4 takes a
// millisecond to make a file where many were deleted a moment ago.
class memory_folder {
public:
    memory_folder()
    {
        if (const char* const before = ::getenv("TMPDIR")) before_ = before;
        if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 1);
    }
    memory_folder(const memory_folder&) = delete;
    memory_folder& operator=(const memory_folder&) = delete;
    ~memory_folder()
    {
        if (before_)
            ::setenv("TMPDIR", before_->c_str(), 1);
        else
            ::unsetenv("TMPDIR");
    }

private:
    std::optional<std::string> before_;
};

// By its own CPU time: a busy machine makes the test slower, not the process's life shorter.
void kill_self_after(long nanoseconds)
{
    sigevent expiry{};
    expiry.sigev_notify = SIGEV_SIGNAL;
    expiry.sigev_signo = SIGKILL;
    timer_t timer{};
    const itimerspec when{{}, {0, nanoseconds}};
    if (::timer_create(CLOCK_PROCESS_CPUTIME_ID, &expiry, &timer) < 0 ||
        ::timer_settime(timer, 0, &when, nullptr) < 0)
        ::_exit(1);
}

} // namespace

TEST_CASE("ten thousand rotations with kills at any moment: every line once and in order",
          "[rotation][killed]")
{
    constexpr std::uint64_t rotations = 10'000;
#ifdef __SANITIZE_ADDRESS__ // a fork takes it milliseconds
    constexpr long longest_life = 30'000'000;
#else
    constexpr long longest_life = 3'000'000;
#endif
    const unsigned seed = std::random_device()();
    CAPTURE(seed);
    std::minstd_rand random(seed);
    const memory_folder in_memory;
    const scratch_folder folder;
    const std::string log = folder / "log";
    test_pipe pipe;
    numbered_reader reader(log);
    unsigned written = 0, kills = 0;
    std::string unwritten;
    const auto fill = [&] {
        for (;;) {
            while (unwritten.size() < 4096)
                unwritten += std::to_string(written++) + '\n';
            // In pieces of any size: files are rotated in the middle of lines.
            const std::size_t piece = 1 + random() % unwritten.size();
            const ssize_t n = ::write(pipe.write.get(), unwritten.data(), piece);
            if (n < 0) break;
            unwritten.erase(0, static_cast<std::size_t>(n));
        }
        REQUIRE(errno == EAGAIN);
    };
    while (reader.files() < rotations) {
        fill();
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            kill_self_after(1'000 + static_cast<long>(random()) % longest_life);
            target to(log, {.max_size = 211, .max_age = 1s, .keep = UINT32_MAX});
            wall_time now = noon;
            for (outcome o; o.what != outcome::status::pipe_empty; now += 100ms)
                o = to.take(pipe.read.get(), 1U << 20U, now);
            ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        if (WIFEXITED(status)) CHECK(WEXITSTATUS(status) == 0);
        kills += WIFSIGNALED(status) ? 1 : 0;
        reader.read_rotated();
    }
    // The rest.
    unwritten += std::to_string(written++) + '\n';
    target to(log, {.keep = UINT32_MAX});
    while (!unwritten.empty()) {
        const ssize_t n = ::write(pipe.write.get(), unwritten.data(), unwritten.size());
        if (n > 0) unwritten.erase(0, static_cast<std::size_t>(n));
        move_all(to, pipe);
    }
    reader.read_rotated();
    reader.read_log();
    UNSCOPED_INFO(kills << " kills, " << reader.files() << " rotations");
    CHECK(reader.next() == written);
    CHECK(kills > 20);
}
