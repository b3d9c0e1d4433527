#include "daemon/os/reaper.h"
#include "daemon/os/spawn.h"
#include "tests/support/catch.h"
#include "tests/support/children/children.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <map>

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::tests;

namespace {

struct exit_seen {
    process_end end;
    bool has_leftovers = false;
};

// A reaper and what it has reported.
struct watcher {
    boost::asio::io_context io;
    std::map<reaper::token, exit_seen> exits;
    std::vector<reaper::token> gone;
    std::function<void(reaper::token)> then; // called in the exited handler
    pid_t main_pid = 0;                      // of the child started last
    reaper children{io,
                    {.exited =
                         [this](reaper::token who, const process_end& end, bool has_leftovers) {
                             exits[who] = {end, has_leftovers};
                             if (then) then(who);
                         },
                     .group_gone = [this](reaper::token who) { gone.push_back(who); }}};

    // Runs the loop until it is so; the limit is only reached when it never will be.
    template <class Condition> void run_until(Condition is_so)
    {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!is_so()) {
            REQUIRE(std::chrono::steady_clock::now() < limit);
            io.run_one_for(std::chrono::seconds(10));
        }
    }
    void run_until_exit_of(reaper::token who)
    {
        run_until([&] { return exits.contains(who); });
    }
    void run_until_gone(reaper::token who)
    {
        run_until([&] { return std::ranges::count(gone, who) == 1; });
    }

    // Starts a child and watches it.
    pid_t start(reaper::token who, std::vector<std::string> argv, int input = -1, int output = -1)
    {
        spawn_request request;
        argv.front() = child_path(argv.front());
        request.candidates = {argv.front()};
        request.argv = std::move(argv);
        request.standard_input = input;
        request.standard_output = output;
        auto made = spawn(request);
        REQUIRE(made.has_value());
        REQUIRE(made->failed_stage == spawn_stage::none);
        main_pid = made->pid;
        children.watch(who, made->pid, std::move(made->pidfd), true);
        return made->pid;
    }
};

// A program that lives until `input` is closed, and one that does so in its group after the main one has
// ended.
struct lingering {
    pipe_ends input = make_pipe();
    pipe_ends output = make_pipe();
    pid_t pid = 0;

    void start(watcher& w, reaper::token who, const std::string& how = "")
    {
        w.start(who, {"leave_behind", "3", how}, input.read.get(), output.write.get());
        pid = std::stoi(read_line(output.read.get()));
        input.read.reset();
        output.write.reset();
    }
    bool is_gone() // the program has ended: nobody holds the other end of its output
    {
        return read_line(output.read.get()).empty();
    }
};

bool exists(pid_t pid) { return ::kill(pid, 0) == 0; }
bool has_children() { return ::waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) == 0; }

} // namespace

TEST_CASE("how a watched child ended", "[reaper]")
{
    watcher w;
    w.start(1, {"exit_with", "42"});
    w.start(2, {"die_by", std::to_string(SIGKILL)});
    w.run_until([&] { return w.exits.size() == 2; });
    CHECK(w.exits[1].end == process_end{exit_code_kind::exited, 42});
    CHECK(w.exits[2].end == process_end{exit_code_kind::killed, SIGKILL});
    CHECK_FALSE(w.exits[1].has_leftovers);
    CHECK_FALSE(has_children());
    CHECK(w.children.strangers() == 0);
}

TEST_CASE("a child that could not execute its program is reaped like any other", "[reaper]")
{
    watcher w;
    spawn_request request;
    request.argv = request.candidates = {"/no/such/program"};
    auto made = spawn(request);
    REQUIRE(made.has_value());
    w.children.watch(9, made->pid, std::move(made->pidfd), true);
    w.run_until_exit_of(9);
    CHECK(w.exits[9].end == process_end{exit_code_kind::exited, 203});
}

TEST_CASE("signals reach the child, dead or alive", "[reaper]")
{
    watcher w;
    auto input = make_pipe();
    w.start(1, {"await_eof"}, input.read.get());

    CHECK(w.children.signal(77, SIGKILL).has_value()); // nobody by that name
    CHECK(w.children.signal(1, 0).has_value());
    CHECK(w.children.signal(1, SIGTERM).has_value());
    siginfo_t info{};
    REQUIRE(::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0); // it is a zombie now
    CHECK(w.children.signal(1, SIGKILL).has_value());
    CHECK(w.children.signal_group(1, SIGKILL).has_value());
    w.run_until_exit_of(1);
    CHECK(w.exits[1].end == process_end{exit_code_kind::killed, SIGTERM});
    CHECK(w.children.signal(1, SIGKILL).has_value());
    CHECK(w.children.signal_group(1, SIGKILL).has_value());
}

TEST_CASE("a signal that does not exist is an error", "[reaper]")
{
    watcher w;
    auto input = make_pipe();
    const pid_t pid = w.start(1, {"await_eof"}, input.read.get());
    const auto sent = w.children.signal(1, 999);
    REQUIRE_FALSE(sent.has_value());
    CHECK(sent.error().message() == "cannot signal process " + std::to_string(pid) + ": Invalid argument");
    CHECK_FALSE(w.children.signal_group(1, 999).has_value());
    input.read.reset();
    input.write.reset();
    w.run_until_exit_of(1);
}

TEST_CASE("what a main process leaves behind in its group", "[reaper]")
{
    watcher w;
    lingering left;
    left.start(w, 1);
    w.run_until_exit_of(1);
    CHECK(w.exits[1].end == process_end{exit_code_kind::exited, 3});
    REQUIRE(w.exits[1].has_leftovers);
    CHECK(w.gone.empty());
    CHECK(exists(left.pid));

    SECTION("is gone when the last has ended")
    {
        left.input.write.reset();
        w.run_until_gone(1);
        CHECK_FALSE(exists(left.pid));
        CHECK(w.children.strangers() == 1);
        w.exits.clear();
        w.start(1, {"exit_with", "0"}); // the token is free again
        w.run_until_exit_of(1);
    }
    SECTION("can still be signalled as a group, and only so")
    {
        CHECK(w.children.signal(1, SIGKILL).has_value());
        CHECK(exists(left.pid));
        CHECK(w.children.signal_group(1, SIGTERM).has_value());
        w.run_until_gone(1);
        CHECK(left.is_gone());
        CHECK(w.children.signal_group(1, SIGTERM).has_value()); // the token is dead
    }
    SECTION("can be abandoned, and is reaped silently")
    {
        w.children.abandon(1);
        CHECK(w.children.signal_group(1, SIGKILL).has_value());
        CHECK(exists(left.pid));
        left.input.write.reset();
        w.run_until([&] { return w.children.strangers() == 1; });
        CHECK(w.gone.empty());
    }
    SECTION("and the token can be used again once it is abandoned")
    {
        w.children.abandon(1);
        w.exits.clear();
        w.start(1, {"exit_with", "0"});
        w.run_until_exit_of(1);
        CHECK_FALSE(w.exits[1].has_leftovers);
        left.input.write.reset();
        w.run_until([&] { return w.children.strangers() == 1; });
    }
}

TEST_CASE("one that has left the group is no leftover", "[reaper]")
{
    watcher w;
    lingering left;
    left.start(w, 1, "setsid");
    w.run_until_exit_of(1);
    CHECK_FALSE(w.exits[1].has_leftovers);
    CHECK(exists(left.pid)); // a daemon of its own
    left.input.write.reset();
    w.run_until([&] { return w.children.strangers() == 1; });
}

TEST_CASE("a leftover that leaves the group later is noticed at the next signal, which spares it", "[reaper]")
{
    watcher w;
    lingering left;
    left.start(w, 1, "leave_later");
    w.run_until_exit_of(1);
    REQUIRE(w.exits[1].has_leftovers);
    REQUIRE(w.children.signal_group(1, SIGUSR1).has_value());
    REQUIRE(read_line(left.output.read.get()) == "left");
    CHECK(w.gone.empty());
    CHECK(w.children.signal_group(1, SIGKILL).has_value());
    w.run_until_gone(1);
    CHECK(exists(left.pid));
    left.input.write.reset();
    w.run_until([&] { return w.children.strangers() == 1; });
}

TEST_CASE("the number of a group that is gone may be a new child's, which is left alone", "[reaper]")
{
    watcher w;
    lingering left;
    left.start(w, 1, "leave_later");
    w.run_until_exit_of(1);
    const pid_t group = w.main_pid;
    REQUIRE(w.children.signal_group(1, SIGUSR1).has_value());
    REQUIRE(read_line(left.output.read.get()) == "left");

    // The next pid can be chosen, by root and on most kernels. Others on the machine may be faster.
    auto input = make_pipe();
    pid_t pid = 0;
    reaper::token who = 1;
    for (int attempt = 0; attempt < 50 && pid != group; ++attempt) {
        std::ofstream("/proc/sys/kernel/ns_last_pid") << group - 1;
        pid = w.start(++who, {"await_eof"}, input.read.get());
    }
    if (pid == group) {
        CHECK(w.children.signal_group(1, SIGKILL).has_value());
        CHECK(w.children.signal(1, SIGKILL).has_value());
        w.run_until_gone(1);
        CHECK(w.exits.size() == 1);
        CHECK(w.children.signal_group(who, SIGTERM).has_value());
        w.run_until_exit_of(who);
        CHECK(w.exits[who].end == process_end{exit_code_kind::killed, SIGTERM});
    } else {
        WARN("no child got the pid " << group << " again: nothing was tested");
    }
    input.read.reset();
    input.write.reset();
    left.input.write.reset();
    w.run_until([&] { return !has_children(); });
}

TEST_CASE("orphans come to the daemon and are reaped", "[reaper]")
{
    watcher w;
    constexpr int orphans = 300;
    spawn_request request;
    request.argv = {"sh", "-c", "i=0; while [ $i -lt 300 ]; do setsid sh -c 'exit 1' & i=$((i+1)); done"};
    request.candidates = {"/bin/sh"};
    auto made = spawn(request);
    REQUIRE(made.has_value());
    w.children.watch(1, made->pid, std::move(made->pidfd), true);
    w.run_until_exit_of(1);
    w.run_until([&] { return !has_children(); });
    CHECK(w.children.strangers() <= orphans); // sh itself may have reaped some
}

TEST_CASE("children that ended before there was a reaper are reaped", "[reaper]")
{
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
    watcher w;
    w.run_until([&] { return w.children.strangers() == 1; });
    CHECK_FALSE(has_children());
}

TEST_CASE("a watched child that the loop has no pidfd of is found all the same", "[reaper]")
{
    watcher w;
    spawn_request request;
    request.argv = request.candidates = {child_path("exit_with")};
    request.argv.emplace_back("7");
    auto made = spawn(request);
    REQUIRE(made.has_value());
    w.children.watch(1, made->pid, unique_fd(), true);
    w.run_until_exit_of(1);
    CHECK(w.exits[1].end.status == 7);
}

TEST_CASE("a child that somebody else has reaped is reported, with an unknown end", "[reaper]")
{
    watcher w;
    const pid_t pid = w.start(1, {"exit_with", "7"});
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), nullptr, WEXITED) == 0);
    w.run_until_exit_of(1);
    CHECK(w.exits[1].end == process_end{});
}

TEST_CASE("two thousand children at once", "[reaper]")
{
    constexpr reaper::token count = 2000;
    watcher w;
    auto input = make_pipe();
    for (reaper::token who = 0; who < count; ++who)
        w.start(who, {"await_eof"}, input.read.get());
    CHECK(w.exits.empty());
    input.read.reset();
    // The loop stays fair: something else that is ready is run in between.
    int others = 0;
    std::function<void()> tick = [&] {
        ++others;
        if (w.exits.size() < count) boost::asio::post(w.io, tick);
    };
    input.write.reset(); // all end now
    boost::asio::post(w.io, tick);
    w.run_until([&] { return w.exits.size() == count; });
    CHECK(others > 10);
    CHECK(w.children.strangers() == 0);
    CHECK_FALSE(has_children());
    CHECK(std::ranges::all_of(w.exits, [](const auto& e) {
        return e.second.end == process_end{exit_code_kind::exited, 0} && !e.second.has_leftovers;
    }));
}

TEST_CASE("a handler may start, signal and abandon", "[reaper]")
{
    watcher w;
    int starts = 0;
    w.then = [&](reaper::token who) {
        CHECK(w.children.signal(who, SIGTERM).has_value());
        if (w.exits[who].has_leftovers) w.children.abandon(who);
        if (++starts < 500) w.start(who, {"exit_at_once"}); // the same token, at once
    };
    for (reaper::token who = 1; who <= 20; ++who)
        w.start(who, {"exit_at_once"});
    w.run_until([&] { return starts == 519; });
    CHECK_FALSE(has_children());
    CHECK(w.children.strangers() == 0);
}

TEST_CASE("a child that leads no group is signalled alone and leaves nothing behind", "[reaper]")
{
    watcher w;
    const pid_t pid = ::fork();
    if (pid == 0) {
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        for (;;)
            ::pause();
    }
    const unique_fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    w.children.watch(1, pid, unique_fd(::fcntl(pidfd.get(), F_DUPFD_CLOEXEC, 3)), false);
    CHECK(w.children.signal_group(1, SIGKILL).has_value());
    w.run_until_exit_of(1);
    CHECK(w.exits[1].end == process_end{exit_code_kind::killed, SIGKILL});
    CHECK_FALSE(w.exits[1].has_leftovers);

    // A copy of the pidfd is still open: the loop must not wake up for it again.
    w.io.poll();
    CHECK(w.io.poll() == 0);
}

TEST_CASE("the reaper may go while events are under way", "[reaper]")
{
    boost::asio::io_context io;
    {
        reaper short_lived(io, {.exited = [](auto...) {}, .group_gone = [](auto) {}});
        const pid_t pid = ::fork();
        if (pid == 0) ::_exit(0);
        io.poll();
    }
    io.poll();
    while (::waitid(P_ALL, 0, nullptr, WEXITED) == 0) {
    }
    CHECK_FALSE(has_children());
}
