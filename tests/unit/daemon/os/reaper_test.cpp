#include "daemon/os/cgroup.h"
#include "daemon/os/pidfd.h"
#include "daemon/os/process_info.h"
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
#include <memory>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::tests;

namespace {

constexpr reaper::group web = 1;
const std::string run_of_web = "0123456789abcdef0123456789abcdef";

enum class by { cgroup, descent };

std::unique_ptr<control_groups> make_cgroups(by how)
{
    if (how == by::descent) return std::make_unique<control_groups>(control_groups::unwanted{"not wanted"});
    return std::make_unique<control_groups>("unit-test-" + std::to_string(::getpid()));
}

// Both ways to know the processes of an instance, as far as this machine has them.
std::vector<by> ways()
{
    if (make_cgroups(by::cgroup)->are_available()) return {by::cgroup, by::descent};
    WARN("only tested without control groups: " << make_cgroups(by::cgroup)->description());
    return {by::descent};
}

struct exit_seen {
    process_end end;
    bool has_others = false;
};

// A reaper and what it has reported.
struct watcher {
    explicit watcher(by how = by::descent) : cgroups(make_cgroups(how))
    {
        REQUIRE(cgroups->are_available() == (how == by::cgroup));
        REQUIRE(children.open_group(web, "web").has_value());
        children.set_invocation(web, run_of_web);
    }

    // The next test finds no child of this one, which would be a stranger to it.
    ~watcher()
    {
        (void)children.signal_others(web, SIGKILL, {});
        while (::waitid(P_ALL, 0, nullptr, WEXITED) == 0) {
        }
    }
    watcher(const watcher&) = delete;
    watcher& operator=(const watcher&) = delete;

    std::unique_ptr<control_groups> cgroups;
    boost::asio::io_context io;
    std::map<reaper::token, exit_seen> exits;
    std::vector<reaper::group> empty;
    std::function<void(reaper::token)> then; // called in the exited handler
    reaper children{io,
                    {.exited =
                         [this](reaper::token who, const process_end& end, bool has_others) {
                             exits[who] = {end, has_others};
                             if (then) then(who);
                         },
                     .group_empty = [this](reaper::group who) { empty.push_back(who); }},
                    *cgroups};

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
    void run_until_empty(reaper::group who)
    {
        run_until([&] { return std::ranges::count(empty, who) == 1; });
    }
    void run_until_reaped(std::uint64_t strangers)
    {
        run_until([&] { return children.strangers() == strangers; });
    }
    bool kill_others(std::vector<reaper::token> except = {}, int signal = SIGKILL)
    {
        const auto sent = children.signal_others(web, signal, except);
        REQUIRE(sent.has_value());
        return *sent;
    }

    // Starts a child and watches it.
    pid_t start(reaper::token who, std::vector<std::string> argv, int input = -1, int output = -1,
                reaper::group group = web)
    {
        spawn_request request;
        argv.front() = child_path(argv.front());
        request.candidates = {argv.front()};
        request.argv = std::move(argv);
        request.envp = {"INVOCATION_ID=" + run_of_web};
        request.standard_input = input;
        request.standard_output = output;
        request.cgroup = children.cgroup_of(group);
        request.joins_cgroup = children.joins_cgroup(group);
        auto made = spawn(request);
        REQUIRE(made.has_value());
        REQUIRE(made->failed_stage == spawn_stage::none);
        children.watch(who, made->pid, std::move(made->pidfd), group);
        return made->pid;
    }
};

// A program that leaves a process behind, or stays with it: see leave_behind.cpp.
struct lingering {
    pipe_ends input = make_pipe();
    pipe_ends output = make_pipe();
    pid_t main = 0;
    pid_t left = 0;

    lingering(watcher& w, reaper::token who, std::vector<std::string> how = {}, reaper::group group = web)
    {
        std::vector<std::string> argv = {"leave_behind", "3"};
        argv.insert(argv.end(), how.begin(), how.end());
        main = w.start(who, std::move(argv), input.read.get(), output.write.get(), group);
        left = std::stoi(read_line(output.read.get()));
        input.read.reset();
        output.write.reset();
    }
    bool is_gone() // both have ended: nobody holds the other end of the output
    {
        return read_line(output.read.get()).empty();
    }
};

bool exists(pid_t pid) { return ::kill(pid, 0) == 0; }
bool has_children() { return ::waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) == 0; }

// Until it is a zombie, or reaped by its parent.
void await_end(pid_t pid)
{
    const auto held = open_pidfd(pid);
    pollfd wanted{held.get(), POLLIN, 0};
    if (held) REQUIRE(::poll(&wanted, 1, 60'000) == 1);
}

} // namespace

TEST_CASE("how a watched child ended", "[reaper]")
{
    watcher w(GENERATE(from_range(ways())));
    w.start(1, {"exit_with", "42"});
    w.start(2, {"die_by", std::to_string(SIGKILL)});
    w.run_until([&] { return w.exits.size() == 2; });
    CHECK(w.exits[1].end == process_end{exit_code_kind::exited, 42});
    CHECK(w.exits[2].end == process_end{exit_code_kind::killed, SIGKILL});
    CHECK_FALSE(w.children.has_processes(web));
    CHECK_FALSE(has_children());
    CHECK(w.children.strangers() == 0);
    w.io.poll();
    CHECK(w.empty.empty());
}

TEST_CASE("a child that could not execute its program is reaped like any other", "[reaper]")
{
    watcher w(GENERATE(from_range(ways())));
    spawn_request request;
    request.argv = request.candidates = {"/no/such/program"};
    request.cgroup = w.children.cgroup_of(web);
    auto made = spawn(request);
    REQUIRE(made.has_value());
    w.children.watch(9, made->pid, std::move(made->pidfd), web);
    w.run_until_exit_of(9);
    CHECK(w.exits[9].end == process_end{exit_code_kind::exited, 203});
    CHECK_FALSE(w.exits[9].has_others);
}

TEST_CASE("signals reach the child, dead or alive", "[reaper]")
{
    watcher w(GENERATE(from_range(ways())));
    auto input = make_pipe();
    w.start(1, {"await_eof"}, input.read.get());

    CHECK(w.children.signal(77, SIGKILL).has_value()); // nobody by that name
    CHECK(w.children.signal(1, 0).has_value());
    CHECK(w.children.signal(1, SIGTERM).has_value());
    siginfo_t info{};
    REQUIRE(::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0); // it is a zombie now
    CHECK(w.children.signal(1, SIGKILL).has_value());
    CHECK_FALSE(w.kill_others());
    w.run_until_exit_of(1);
    CHECK(w.exits[1].end == process_end{exit_code_kind::killed, SIGTERM});
    CHECK(w.children.signal(1, SIGKILL).has_value());
    CHECK_FALSE(w.kill_others());
}

TEST_CASE("a signal that does not exist is an error", "[reaper]")
{
    watcher w(GENERATE(from_range(ways())));
    auto input = make_pipe();
    const pid_t pid = w.start(1, {"await_eof"}, input.read.get());
    const auto sent = w.children.signal(1, 999);
    REQUIRE_FALSE(sent.has_value());
    CHECK(sent.error().message() == "cannot signal process " + std::to_string(pid) + ": Invalid argument");
    const auto others = w.children.signal_others(web, 999, {});
    REQUIRE_FALSE(others.has_value());
    CHECK(others.error().message() == sent.error().message());
    input.read.reset();
    input.write.reset();
    w.run_until_exit_of(1);
}

TEST_CASE("what a main process leaves behind, wherever it has gone", "[reaper][group]")
{
    watcher w(GENERATE(from_range(ways())));
    const std::vector<std::string> how =
        GENERATE(std::vector<std::string>{}, std::vector<std::string>{"setsid"},
                 std::vector<std::string>{"setsid", "double"}, std::vector<std::string>{"bare"},
                 std::vector<std::string>{"double", "bare"});
    CAPTURE(how);
    lingering left(w, 1, how);
    w.run_until_exit_of(1);
    CHECK(w.exits[1].end == process_end{exit_code_kind::exited, 3});
    REQUIRE(w.exits[1].has_others);
    CHECK(w.empty.empty());
    CHECK(exists(left.left));
    CHECK(w.children.has_processes(web));
    CHECK(w.children.is_member(web, left.left));
    CHECK_FALSE(w.children.is_member(web, ::getpid()));
    CHECK_FALSE(w.children.is_member(web, 1));

    SECTION("is gone when the last has ended")
    {
        left.input.write.reset();
        w.run_until_empty(web);
        w.run_until_reaped(1);
        CHECK_FALSE(exists(left.left));
        CHECK_FALSE(w.children.has_processes(web));
    }
    SECTION("can be signalled")
    {
        CHECK(w.kill_others({1}, SIGTERM)); // 1 is nobody any more
        w.run_until_empty(web);
        CHECK(left.is_gone());
        CHECK_FALSE(w.kill_others({}, SIGTERM));
    }
    SECTION("can be killed")
    {
        CHECK(w.kill_others());
        w.run_until_empty(web);
        CHECK(left.is_gone());
        CHECK_FALSE(w.kill_others());
    }
    SECTION("is still there in the next run")
    {
        w.children.set_invocation(web, "another");
        w.start(2, {"exit_with", "0"});
        w.run_until_exit_of(2);
        CHECK(w.exits[2].has_others);
        CHECK(w.kill_others());
        w.run_until_empty(web);
    }
    SECTION("is forgotten with its group, and reaped silently")
    {
        w.children.close_group(web);
        CHECK(exists(left.left));
        CHECK_FALSE(w.kill_others());
        left.input.write.reset();
        w.run_until_reaped(1);
        CHECK(w.empty.empty());
    }
    w.run_until([&] { return !has_children(); });
    CHECK(std::ranges::count(w.empty, web) <= 1);
}

TEST_CASE("the others are signalled once each, and the excepted are not", "[reaper][group]")
{
    watcher w(GENERATE(from_range(ways())));
    lingering tree(w, 1, {"setsid", "stay"});
    auto input = make_pipe();
    auto output = make_pipe();
    w.start(2, {"await_eof"}, input.read.get(), output.write.get());
    CHECK(w.kill_others({1, 2}, SIGTERM));
    await_end(tree.left);
    CHECK(w.exits.empty());
    CHECK_FALSE(w.kill_others({1, 2}, SIGTERM));
    CHECK_FALSE(w.kill_others({1, 2}, SIGKILL));
    CHECK(w.kill_others({}, SIGTERM));
    w.run_until([&] { return w.exits.size() == 2; });
    CHECK(w.exits[1].end == process_end{exit_code_kind::killed, SIGTERM});
    CHECK(w.exits[2].end == process_end{exit_code_kind::killed, SIGTERM});
    CHECK(w.exits[1].has_others != w.exits[2].has_others); // the first of them had the other
    w.io.poll();
    CHECK(w.empty.empty());
}

TEST_CASE("who ignores SIGTERM does not ignore SIGKILL", "[reaper][group]")
{
    watcher w(GENERATE(from_range(ways())));
    lingering left(w, 1, {"setsid", "double", "ignore_term"});
    w.run_until_exit_of(1);
    REQUIRE(w.exits[1].has_others);
    CHECK(w.kill_others({}, SIGTERM));
    CHECK(exists(left.left));
    CHECK(w.children.has_processes(web));
    CHECK(w.kill_others());
    w.run_until_empty(web);
}

TEST_CASE("a program can be started again when all of it has been killed", "[reaper][group]")
{
    watcher w(GENERATE(from_range(ways())));
    const bool opens_again = GENERATE(false, true);
    lingering left(w, 1, {"setsid"});
    w.run_until_exit_of(1);
    CHECK(w.kill_others());
    const bool is_told = GENERATE(false, true);
    if (is_told) w.run_until_empty(web);
    if (opens_again) REQUIRE(w.children.open_group(web, "web").has_value());
    auto input = make_pipe();
    const pid_t pid = w.start(2, {"await_eof"}, input.read.get());
    CHECK(w.children.is_member(web, pid));
    if (is_told) CHECK(w.children.only_child(web) == pid); // else the killed one may still be on its way
    w.run_until_reaped(1);
    input.read.reset();
    input.write.reset();
    w.run_until_exit_of(2);
    CHECK(w.exits[2].end == process_end{exit_code_kind::exited, 0});
    w.io.poll();
    CHECK(w.empty.size() <= 1);
    CHECK_FALSE(w.children.has_processes(web));
}

TEST_CASE("the end of a group is told though it is opened again before", "[reaper][group]")
{
    watcher w(GENERATE(from_range(ways())));
    lingering left(w, 1, {"setsid"});
    w.run_until_exit_of(1);
    CHECK(w.kill_others());
    await_end(left.left);
    REQUIRE(w.children.open_group(web, "web").has_value());
    w.run_until_empty(web);
}

TEST_CASE("processes that hand over to each other do not escape SIGKILL", "[reaper][group]")
{
    watcher w(GENERATE(from_range(ways())));
    auto output = make_pipe();
    w.start(1, {"relay"}, -1, output.write.get());
    output.write.reset();
    REQUIRE(read_line(output.read.get()) == "ready");
    w.run_until_exit_of(1);
    REQUIRE(w.exits[1].has_others);
    CHECK(w.kill_others());
    w.run_until_empty(web);
    CHECK(read_all(output.read.get()).empty()); // the end: nobody has it open
    w.run_until([&] { return !has_children(); });
}

TEST_CASE("an orphan without any mark is its group's if it was seen before", "[reaper][group]")
{
    watcher w(by::descent);
    lingering left(w, 1, {"setsid", "bare", "stay_deaf", "ignore_term"});
    CHECK(w.kill_others({1}, SIGTERM)); // by which it is seen
    CHECK(w.children.signal(1, SIGKILL).has_value());
    w.run_until_exit_of(1);
    CHECK(w.exits[1].has_others);
    CHECK(w.kill_others());
    w.run_until_empty(web);
}

TEST_CASE("what descent cannot see is nobody's, and is reaped", "[reaper][group]")
{
    watcher w(by::descent);
    lingering left(w, 1, {"setsid", "double", "bare"});
    w.run_until_exit_of(1);
    CHECK_FALSE(w.exits[1].has_others);
    CHECK_FALSE(w.kill_others());
    left.input.write.reset();
    w.run_until_reaped(1);
}

TEST_CASE("groups do not meet", "[reaper][group]")
{
    watcher w(GENERATE(from_range(ways())));
    constexpr reaper::group other = 2;
    REQUIRE(w.children.open_group(other, "other").has_value());
    lingering mine(w, 1, {"double"});
    lingering theirs(w, 2, {"bare"}, other);
    w.run_until([&] { return w.exits.size() == 2; });
    REQUIRE(w.exits[1].has_others);
    REQUIRE(w.exits[2].has_others);
    CHECK_FALSE(w.children.is_member(web, theirs.left));
    CHECK_FALSE(w.children.is_member(other, mine.left));
    CHECK(w.kill_others());
    w.run_until_empty(web);
    CHECK(exists(theirs.left));
    CHECK(w.children.has_processes(other));
    theirs.input.write.reset();
    w.run_until_empty(other);
}

TEST_CASE("helpers have no group", "[reaper][group]")
{
    watcher w(GENERATE(from_range(ways())));
    w.start(1, {"exit_with", "0"}, -1, -1, reaper::no_group);
    w.run_until_exit_of(1);
    CHECK_FALSE(w.exits[1].has_others);
    CHECK(w.children.cgroup_of(reaper::no_group) == -1);
    const auto sent = w.children.signal_others(reaper::no_group, SIGKILL, {});
    CHECK((sent.has_value() && !*sent));
    CHECK_FALSE(w.children.has_processes(reaper::no_group));
}

TEST_CASE("a forking daemon is adopted, and how it ends is known", "[reaper][adopt]")
{
    watcher w(GENERATE(from_range(ways())));
    lingering daemon(w, 1, {"setsid", "double"});
    w.run_until_exit_of(1);
    REQUIRE(w.exits[1].has_others);
    REQUIRE(w.children.only_child(web) == daemon.left);
    auto found = reaper::open_process(daemon.left);
    REQUIRE(found.has_value());
    CHECK(found->is_child);
    w.children.adopt(2, daemon.left, std::move(found->pidfd), web);
    CHECK(w.children.only_child(web) == daemon.left);
    SECTION("by itself")
    {
        daemon.input.write.reset();
        w.run_until_exit_of(2);
        CHECK(w.exits[2].end == process_end{exit_code_kind::exited, 7});
    }
    SECTION("by a signal")
    {
        CHECK(w.children.signal(2, SIGTERM).has_value());
        w.run_until_exit_of(2);
        CHECK(w.exits[2].end == process_end{exit_code_kind::killed, SIGTERM});
    }
    CHECK_FALSE(w.exits[2].has_others);
    CHECK(w.children.only_child(web) == 0);
    CHECK(w.children.strangers() == 0);
    w.io.poll();
    CHECK(w.empty.empty()); // its own end has told
}

TEST_CASE("a main process that is no child of ours", "[reaper][adopt]")
{
    watcher w(GENERATE(from_range(ways())));
    const std::string parent = GENERATE("stay", "stay_deaf");
    CAPTURE(parent);
    lingering tree(w, 1, {"setsid", parent});
    auto found = reaper::open_process(tree.left);
    REQUIRE(found.has_value());
    CHECK_FALSE(found->is_child);
    w.children.adopt(2, tree.left, std::move(found->pidfd), web);
    CHECK(w.children.only_child(web) == tree.main);

    SECTION("ends, and its parent lives")
    {
        tree.input.write.reset();
        w.run_until_exit_of(2);
        // A zombie tells how it ended. Once its parent has reaped it, only newer kernels do.
        const bool is_known = w.exits[2].end == process_end{exit_code_kind::exited, 7};
        CHECK((is_known || (parent == "stay" && w.exits[2].end == process_end{})));
        CHECK(w.exits[2].has_others);
        CHECK(w.children.signal(1, SIGKILL).has_value());
        w.run_until_exit_of(1);
        CHECK_FALSE(w.exits[1].has_others);
    }
    SECTION("becomes one when its parent ends")
    {
        CHECK(w.children.signal(1, SIGKILL).has_value());
        w.run_until_exit_of(1);
        CHECK(w.exits[1].has_others);
        tree.input.write.reset();
        w.run_until_exit_of(2);
        CHECK(w.exits[2].end == process_end{exit_code_kind::exited, 7});
        CHECK_FALSE(w.exits[2].has_others);
    }
    w.run_until([&] { return !has_children(); });
}

TEST_CASE("a process that is of no interest any more is reaped silently", "[reaper][adopt]")
{
    watcher w(GENERATE(from_range(ways())));
    auto input = make_pipe();
    w.start(1, {"await_eof"}, input.read.get());
    w.start(2, {"exit_with", "0"});
    w.run_until_exit_of(2);
    CHECK(w.exits[2].has_others);
    w.children.forget(1);
    w.children.forget(99);
    CHECK(w.children.has_processes(web)); // as any other
    w.io.poll();
    CHECK(w.empty.empty());
    CHECK(w.kill_others());
    w.run_until_empty(web);
    w.run_until_reaped(1);
    CHECK_FALSE(w.exits.contains(1));
}

TEST_CASE("a process that has ended when it is forgotten", "[reaper][adopt]")
{
    watcher w(GENERATE(from_range(ways())));
    auto input = make_pipe();
    const pid_t first = w.start(1, {"await_eof"}, input.read.get());
    w.start(2, {"exit_with", "0"});
    w.run_until_exit_of(2);
    CHECK(w.exits[2].has_others);
    ::kill(first, SIGKILL);
    await_end(first);
    w.children.forget(1);
    w.run_until_empty(web);
    w.run_until_reaped(1);
    CHECK_FALSE(w.exits.contains(1));
}

TEST_CASE("who cannot be a main process", "[reaper][adopt]")
{
    CHECK_FALSE(reaper::open_process(::getpid()).has_value());
    CHECK_FALSE(reaper::open_process(1).has_value());
    CHECK_FALSE(reaper::open_process(0).has_value());
    CHECK_FALSE(reaper::open_process(-5).has_value());
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    await_end(pid);
    const auto zombie = reaper::open_process(pid);
    REQUIRE_FALSE(zombie.has_value());
    CHECK(zombie.error().message() ==
          "cannot take process " + std::to_string(pid) + " for a main process: No such process");
    ::waitpid(pid, nullptr, 0);
    CHECK_FALSE(reaper::open_process(pid).has_value());
}

TEST_CASE("the main process is not guessed among several", "[reaper][adopt]")
{
    watcher w(GENERATE(from_range(ways())));
    CHECK(w.children.only_child(web) == 0);
    auto input = make_pipe();
    const pid_t first = w.start(1, {"await_eof"}, input.read.get());
    CHECK(w.children.only_child(web) == first);
    w.start(2, {"await_eof"}, input.read.get());
    CHECK(w.children.only_child(web) == 0);
    input.read.reset();
    input.write.reset();
    w.run_until([&] { return w.exits.size() == 2; });
}

TEST_CASE("the control group of an instance", "[reaper][group][cgroup]")
{
    if (ways().front() != by::cgroup) return;
    watcher w(by::cgroup);
    const auto folder = w.cgroups->description().substr(std::string("control groups in ").size());
    const auto is_there = [&](const std::string& name) {
        return ::access((folder + name).c_str(), F_OK) == 0;
    };
    REQUIRE(is_there("/web"));
    CHECK(w.children.open_group(web, "web").has_value()); // it is open already

    SECTION("goes with the group when it is empty")
    {
        w.children.close_group(web);
        CHECK_FALSE(is_there("/web"));
    }
    SECTION("goes later when it is not")
    {
        lingering left(w, 1);
        w.run_until_exit_of(1);
        w.children.close_group(web);
        CHECK(is_there("/web"));
        left.input.write.reset();
        w.run_until([&] { return !is_there("/web"); });
        CHECK(w.empty.empty());
    }
    SECTION("is taken over, with those in it, when it is opened again")
    {
        lingering left(w, 1);
        w.run_until_exit_of(1);
        w.children.close_group(web);
        constexpr reaper::group again = 7;
        REQUIRE(w.children.open_group(again, "web").has_value());
        w.start(2, {"exit_with", "0"}, -1, -1, again);
        w.run_until_exit_of(2);
        CHECK(w.exits[2].has_others);
        left.input.write.reset();
        w.run_until_empty(again);
        w.children.close_group(again);
        CHECK_FALSE(is_there("/web"));
    }
    w.run_until([&] { return !has_children(); });
}

TEST_CASE("an instance without a control group of its own is known by descent", "[reaper][group][cgroup]")
{
    if (ways().front() != by::cgroup) return;
    watcher w(by::cgroup);
    constexpr reaper::group other = 2;
    const auto opened = w.children.open_group(other, "a\nb"); // the kernel refuses that
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code.value() == EINVAL);
    CHECK(w.children.cgroup_of(other) == -1);
    w.children.set_invocation(other, run_of_web);
    lingering left(w, 1, {"setsid", "double"}, other);
    w.run_until_exit_of(1);
    CHECK(w.exits[1].has_others);
    const auto sent = w.children.signal_others(other, SIGKILL, {});
    CHECK((sent.has_value() && *sent));
    w.run_until_empty(other);
}

TEST_CASE("orphans come to the daemon and are reaped", "[reaper]")
{
    watcher w(GENERATE(from_range(ways())));
    constexpr int orphans = 300;
    spawn_request request;
    request.argv = {"sh", "-c", "i=0; while [ $i -lt 300 ]; do setsid sh -c 'exit 1' & i=$((i+1)); done"};
    request.candidates = {"/bin/sh"};
    request.envp = {"PATH=" + std::string(default_path), "INVOCATION_ID=" + run_of_web};
    request.cgroup = w.children.cgroup_of(web);
    auto made = spawn(request);
    REQUIRE(made.has_value());
    w.children.watch(1, made->pid, std::move(made->pidfd), web);
    w.run_until_exit_of(1);
    if (w.exits[1].has_others) w.run_until_empty(web);
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
    w.run_until_reaped(1);
    CHECK_FALSE(has_children());
}

TEST_CASE("a watched child that the loop has no pidfd of is found all the same", "[reaper]")
{
    watcher w(GENERATE(from_range(ways())));
    spawn_request request;
    request.argv = request.candidates = {child_path("exit_with")};
    request.argv.emplace_back("7");
    auto made = spawn(request);
    REQUIRE(made.has_value());
    w.children.watch(1, made->pid, unique_fd(), web);
    w.run_until_exit_of(1);
    CHECK(w.exits[1].end.status == 7);
}

TEST_CASE("a child that somebody else has reaped is reported, if need be with an unknown end", "[reaper]")
{
    watcher w(GENERATE(from_range(ways())));
    const pid_t pid = w.start(1, {"exit_with", "7"});
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), nullptr, WEXITED) == 0);
    w.run_until_exit_of(1);
    CHECK((w.exits[1].end == process_end{} || w.exits[1].end == process_end{exit_code_kind::exited, 7}));
}

TEST_CASE("two thousand children at once", "[reaper]")
{
    constexpr reaper::token count = 2000;
    watcher w(GENERATE(from_range(ways())));
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
        return e.second.end == process_end{exit_code_kind::exited, 0};
    }));
    CHECK(std::ranges::count_if(w.exits, [](const auto& e) { return !e.second.has_others; }) ==
          1); // the last
}

TEST_CASE("a handler may start, signal, close and open", "[reaper]")
{
    watcher w(GENERATE(from_range(ways())));
    int starts = 0;
    w.then = [&](reaper::token who) {
        const auto group = static_cast<reaper::group>(who);
        CHECK(w.children.signal(who, SIGTERM).has_value());
        CHECK_FALSE(w.exits[who].has_others);
        CHECK(w.children.signal_others(group, SIGKILL, {}).has_value());
        if (++starts % 10 == 0) {
            w.children.close_group(group);
            CHECK(w.children.open_group(group, "worker" + std::to_string(who)).has_value());
        }
        if (starts < 500) w.start(who, {"exit_at_once"}, -1, -1, group); // the same token, at once
    };
    for (reaper::token who = 1; who <= 20; ++who) {
        const auto group = static_cast<reaper::group>(who);
        if (group != web) REQUIRE(w.children.open_group(group, "worker" + std::to_string(who)).has_value());
        w.start(who, {"exit_at_once"}, -1, -1, group);
    }
    w.run_until([&] { return starts == 519; });
    CHECK_FALSE(has_children());
    CHECK(w.children.strangers() == 0);
    CHECK(w.empty.empty());
}

TEST_CASE("a copy of the pidfd does not keep the loop awake", "[reaper]")
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
    const auto pidfd = open_pidfd(pid);
    w.children.watch(1, pid, unique_fd(::fcntl(pidfd.get(), F_DUPFD_CLOEXEC, 3)), web);
    CHECK(w.children.signal(1, SIGKILL).has_value());
    w.run_until_exit_of(1);
    CHECK(w.exits[1].end == process_end{exit_code_kind::killed, SIGKILL});
    w.io.poll();
    CHECK(w.io.poll() == 0);
}

TEST_CASE("the reaper may go while events are under way", "[reaper]")
{
    boost::asio::io_context io;
    {
        control_groups none(control_groups::unwanted{"not wanted"});
        reaper short_lived(io, {.exited = [](auto...) {}, .group_empty = [](auto) {}}, none);
        const pid_t pid = ::fork();
        if (pid == 0) ::_exit(0);
        io.poll();
    }
    io.poll();
    while (::waitid(P_ALL, 0, nullptr, WEXITED) == 0) {
    }
    CHECK_FALSE(has_children());
}
