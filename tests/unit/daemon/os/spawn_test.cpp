#include "daemon/os/cgroup.h"
#include "daemon/os/descriptors.h"
#include "daemon/os/spawn.h"
#include "daemon/os/users.h"
#include "tests/support/catch.h"
#include "tests/support/children/children.h"
#include "tests/support/scratch_folder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::tests;

namespace {

struct outcome {
    spawned child;
    std::string output; // stdout and stderr
    siginfo_t end{};
};

spawn_request request_for(std::vector<std::string> argv)
{
    spawn_request r;
    r.argv = std::move(argv);
    r.candidates = {r.argv.front()};
    return r;
}

spawn_request child_request(std::vector<std::string> argv)
{
    argv.front() = child_path(argv.front());
    return request_for(std::move(argv));
}

// Spawns, reads all the output, and waits.
outcome run(spawn_request request)
{
    auto output = make_pipe();
    request.standard_output = request.standard_error = output.write.get();
    auto made = spawn(request);
    REQUIRE(made.has_value());
    output.write.reset(); // whose copy in the slots must be gone as well, or there is no end of the output
    outcome o{std::move(*made), read_all(output.read.get())};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(o.child.pid), &o.end, WEXITED) == 0);
    return o;
}

std::map<std::string, std::string> facts_of(const outcome& o)
{
    std::map<std::string, std::string> facts;
    std::istringstream lines(o.output);
    for (std::string line; std::getline(lines, line);)
        facts[line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
    return facts;
}

// What a child says of itself.
std::map<std::string, std::string> facts_of(spawn_request request)
{
    request.argv = {child_path("print_process")};
    request.candidates = request.argv;
    return facts_of(run(std::move(request)));
}

// Reaped, and its status and stage as expected.
void check_failure(const outcome& o, spawn_stage stage, int status, int errno_value)
{
    CHECK(o.child.failed_stage == stage);
    CHECK(o.child.failed_errno == errno_value);
    CHECK(o.end.si_code == CLD_EXITED);
    CHECK(o.end.si_status == status);
    CHECK(o.output.empty());
}

bool is_root() { return ::geteuid() == 0; }

std::uint64_t bit(int signal) { return std::uint64_t{1} << (signal - 1); }

} // namespace

TEST_CASE("a program gets exactly the arguments and the environment of the request", "[spawn]")
{
    auto request = child_request({"print_environment", "a b", "", "ü"});
    request.argv.front() = "a name of its own"; // argv[0] need not be the file
    request.envp = {"PATH=/bin", "EMPTY=", "X=1=2"};
    const auto o = run(request);
    CHECK(o.child.failed_stage == spawn_stage::none);
    std::string expected;
    for (const auto& text : {"a name of its own", "a b", "", "ü", "PATH=/bin", "EMPTY=", "X=1=2"})
        expected += text + std::string(1, '\0');
    CHECK(o.output == expected);
}

TEST_CASE("the exit status and the signal of a program are its own", "[spawn]")
{
    const auto exited = run(child_request({"exit_with", "42"}));
    CHECK(exited.end.si_code == CLD_EXITED);
    CHECK(exited.end.si_status == 42);
    const auto killed = run(child_request({"die_by", std::to_string(SIGKILL)}));
    CHECK(killed.end.si_code == CLD_KILLED);
    CHECK(killed.end.si_status == SIGKILL);
}

TEST_CASE("the pidfd is the child's", "[spawn]")
{
    auto made = spawn(child_request({"exit_with", "3"}));
    REQUIRE(made.has_value());
    CHECK((::fcntl(made->pidfd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    siginfo_t info{};
    REQUIRE(::waitid(P_PIDFD, static_cast<id_t>(made->pidfd.get()), &info, WEXITED) == 0);
    CHECK(info.si_pid == made->pid);
    CHECK(info.si_status == 3);
}

TEST_CASE("a child leads a session and a group of its own", "[spawn]")
{
    auto facts = facts_of(spawn_request{});
    CHECK(facts["sid"] == facts["pid"]);
    CHECK(facts["pgid"] == facts["pid"]);
}

TEST_CASE("a child has descriptors 0, 1 and 2 and no other", "[spawn]")
{
    REQUIRE(secure_inherited_descriptors().has_value()); // the test's own caller may have left some open
    std::vector<pipe_ends> many;
    for (int i = 0; i < 100; ++i)
        many.push_back(make_pipe());
    const unique_fd leaky(::open("/dev/null", O_RDONLY)); // without close-on-exec
    auto facts = facts_of(spawn_request{});
    // Without close_range a descriptor that was not made close-on-exec is passed on: the daemon makes none.
    const bool has_close_range = ::syscall(SYS_close_range, ~0U, ~0U, 0) == 0;
    CHECK(facts["fds"] == (has_close_range ? "0 1 2" : "0 1 2 " + std::to_string(leaky.get())));
}

TEST_CASE("the standard streams are the ones asked for, each for itself", "[spawn]")
{
    auto input = make_pipe();
    auto output = make_pipe();
    auto error = make_pipe();
    auto request = request_for({"/bin/sh", "-c", "cat; echo oops >&2"});
    request.standard_input = input.read.get();
    request.standard_output = output.write.get();
    request.standard_error = error.write.get();
    const auto made = spawn(request);
    REQUIRE(made.has_value());
    REQUIRE(::write(input.write.get(), "hello", 5) == 5);
    input.write.reset();
    output.write.reset();
    error.write.reset();
    CHECK(read_all(output.read.get()) == "hello");
    CHECK(read_all(error.read.get()) == "oops\n");
    ::waitid(P_PID, static_cast<id_t>(made->pid), nullptr, WEXITED);
}

TEST_CASE("streams that nobody asked for are /dev/null", "[spawn]")
{
    const scratch_folder folder;
    const auto file = folder / "links";
    auto request =
        request_for({"/bin/sh", "-c", "readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2 > $0", file});
    const auto made = spawn(request);
    REQUIRE(made.has_value());
    ::waitid(P_PID, static_cast<id_t>(made->pid), nullptr, WEXITED);
    std::ifstream links(file);
    std::string line;
    int count = 0;
    // sh has opened descriptor 1 for the redirection of the command only after it was read.
    for (; std::getline(links, line); ++count)
        CHECK((line == "/dev/null" || line == file));
    CHECK(count == 3);
}

TEST_CASE("descriptors 0, 1 and 2 of the daemon can be passed on crosswise", "[spawn]")
{
    auto pipe = make_pipe();
    const unique_fd kept(::fcntl(0, F_DUPFD_CLOEXEC, 10));
    ::dup2(pipe.write.get(), 0); // the child's output is the daemon's descriptor 0
    auto request = request_for({"/bin/sh", "-c", "echo out; echo err >&2"});
    request.standard_input = 2;
    request.standard_output = 0;
    request.standard_error = 0;
    const auto made = spawn(request);
    if (kept)
        ::dup2(kept.get(), 0);
    else
        ::close(0);
    REQUIRE(made.has_value());
    pipe.write.reset();
    CHECK(read_all(pipe.read.get()) == "out\nerr\n");
    ::waitid(P_PID, static_cast<id_t>(made->pid), nullptr, WEXITED);
}

TEST_CASE("a closed descriptor as a stream is an error, and no process is made", "[spawn]")
{
    auto request = child_request({"exit_with", "0"});
    request.standard_output = 987654;
    const auto made = spawn(request);
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().message() == "cannot pass on standard output: Bad file descriptor");
    CHECK(::waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG) == -1);
}

TEST_CASE("a child's signals are at their default and none is blocked", "[spawn]")
{
    SECTION("SIGPIPE is ignored as systemd does")
    {
        auto facts = facts_of(spawn_request{});
        CHECK(std::stoull(facts["blocked"], nullptr, 16) == 0);
        CHECK(std::stoull(facts["caught"], nullptr, 16) == 0);
        CHECK(std::stoull(facts["ignored"], nullptr, 16) == bit(SIGPIPE));
    }
    SECTION("or not")
    {
        spawn_request request;
        request.ignore_sigpipe = false;
        CHECK(std::stoull(facts_of(request)["ignored"], nullptr, 16) == 0);
    }
}

TEST_CASE("spawn leaves the daemon's own signals, umask, folder and dumpable attribute alone", "[spawn]")
{
    sigset_t before;
    const int nice_before = ::getpriority(PRIO_PROCESS, 0);
    sigset_t after;
    ::sigprocmask(SIG_BLOCK, nullptr, &before);
    const auto folder = std::filesystem::current_path();
    spawn_request request;
    request.umask = 0077;
    request.working_directory = "/tmp";
    request.nice = 3;
    const auto nobody = look_up_identity("nobody", "", {});
    REQUIRE(nobody.has_value());
    if (is_root()) request.who = &*nobody;
    REQUIRE(facts_of(request)["nice"] == "3");
    ::sigprocmask(SIG_BLOCK, nullptr, &after);
    for (int signal = 1; signal < 65; ++signal)
        CHECK(::sigismember(&before, signal) == ::sigismember(&after, signal));
    CHECK(std::filesystem::current_path() == folder);
    CHECK(::getpriority(PRIO_PROCESS, 0) == nice_before);
    CHECK(::prctl(PR_GET_DUMPABLE) == 1);
    const mode_t mask = ::umask(0);
    ::umask(mask);
    CHECK(mask != 0077);
}

TEST_CASE("umask, nice level and OOM score", "[spawn]")
{
    spawn_request request;
    request.umask = 0027;
    request.nice = 7;
    request.oom_score_adjust = 321;
    auto facts = facts_of(request);
    CHECK(facts["umask"] == "27");
    CHECK(facts["nice"] == "7");
    CHECK(facts["oom_score_adj"] == "321");
}

TEST_CASE("the working directory", "[spawn]")
{
    spawn_request request;
    SECTION("is / by default") { CHECK(facts_of(request)["cwd"] == "/"); }
    SECTION("is what was asked for")
    {
        request.working_directory = "/usr/bin/..";
        CHECK(facts_of(request)["cwd"] == "/usr");
    }
    SECTION("is / when an optional one is missing")
    {
        request.working_directory = "/no/such/folder";
        request.working_directory_optional = true;
        CHECK(facts_of(request)["cwd"] == "/");
    }
}

TEST_CASE("resource limits", "[spawn]")
{
    spawn_request request;
    request.limits = {
        {RLIMIT_CORE, 0, 0}, {RLIMIT_NOFILE, 123, 456}, {RLIMIT_CPU, unlimited_size, unlimited_size}};
    auto facts = facts_of(request);
    const auto named = [&](int resource) { return facts["limit_" + std::to_string(resource)]; };
    CHECK(named(RLIMIT_CORE) == "0:0");
    CHECK(named(RLIMIT_NOFILE) == "123:456");
    CHECK(named(RLIMIT_CPU) == std::to_string(RLIM_INFINITY) + ":" + std::to_string(RLIM_INFINITY));
}

TEST_CASE("a limit above what the kernel allows becomes the nearest that it does", "[spawn]")
{
    rlimit own{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &own) == 0);
    spawn_request request; // nr_open forbids this even to root
    request.limits = {{RLIMIT_NOFILE, unlimited_size, unlimited_size}};
    CHECK(facts_of(request)["limit_" + std::to_string(RLIMIT_NOFILE)] ==
          std::to_string(own.rlim_max) + ":" + std::to_string(own.rlim_max));
}

TEST_CASE("programs keep the descriptor limit that the daemon was started with", "[spawn][descriptors]")
{
    rlimit own{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &own) == 0);
    const rlimit low{own.rlim_max / 2, own.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    REQUIRE(raise_descriptor_limit().has_value());
    rlimit raised{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &raised) == 0);
    CHECK(raised.rlim_cur == own.rlim_max);

    const auto name = "limit_" + std::to_string(RLIMIT_NOFILE);
    spawn_request request;
    CHECK(facts_of(request)[name] == std::to_string(low.rlim_cur) + ":" + std::to_string(low.rlim_max));
    request.limits = {{RLIMIT_NOFILE, 77, 88}};
    CHECK(facts_of(request)[name] == "77:88");
}

TEST_CASE("user, group and supplementary groups", "[spawn]")
{
    identity who;
    who.uid = 12345;
    who.gid = 23456;
    who.groups = {23456, 34567, 45678};
    who.user = "12345";
    spawn_request request;
    request.who = &who;
    SECTION("are left alone unless asked for")
    {
        auto facts = facts_of(request);
        const auto uid = std::to_string(::getuid());
        CHECK(facts["uids"] == uid + ' ' + uid + ' ' + uid);
    }
    SECTION("are changed for good")
    {
        if (!is_root()) return;
        who.changes_user = true;
        auto facts = facts_of(request);
        CHECK(facts["uids"] == "12345 12345 12345");
        CHECK(facts["gids"] == "23456 23456 23456");
        CHECK(facts["groups"] == "23456 34567 45678");
    }
}

TEST_CASE("descriptors that are passed on become 3, 4 and so on, in order", "[spawn]")
{
    // So many that they are in each other's place, and in that of what becomes 0, 1 and 2, all backwards. One
    // is far up and taken along all the same.
    std::vector<pipe_ends> pipes(60);
    for (auto& pipe : pipes)
        pipe = make_pipe();
    std::ranges::reverse(pipes);
    pipes[30].write = unique_fd(::fcntl(pipes[30].write.get(), F_DUPFD_CLOEXEC, 700));
    auto request = request_for(
        {"/bin/sh", "-c",
         "cat >&2; fd=3; while [ $fd -lt 63 ]; do echo $fd >/proc/$$/fd/$fd; fd=$((fd+1)); done"});
    for (const auto& pipe : pipes)
        request.passed_descriptors.push_back(pipe.write.get());
    auto input = make_pipe();
    auto error = make_pipe();
    request.standard_input = input.read.get();
    request.standard_error = error.write.get();
    const auto made = spawn(request);
    REQUIRE(made.has_value());
    REQUIRE(::write(input.write.get(), "hello", 5) == 5);
    input.write.reset();
    error.write.reset();
    CHECK(read_all(error.read.get()) == "hello");
    for (std::size_t i = 0; i < pipes.size(); ++i) {
        pipes[i].write.reset();
        CHECK(read_all(pipes[i].read.get()) == std::to_string(i + 3) + '\n');
    }
    ::waitid(P_PID, static_cast<id_t>(made->pid), nullptr, WEXITED);
}

TEST_CASE("a standard stream of the daemon can be passed on", "[spawn]")
{
    auto pipe = make_pipe();
    const unique_fd kept(::fcntl(0, F_DUPFD_CLOEXEC, 10));
    ::dup2(pipe.write.get(), 0);
    auto request = request_for({"/bin/sh", "-c", "cat; echo out >&3"});
    request.passed_descriptors = {0};
    const auto made = spawn(request);
    if (kept)
        ::dup2(kept.get(), 0);
    else
        ::close(0);
    REQUIRE(made.has_value());
    pipe.write.reset();
    CHECK(read_all(pipe.read.get()) == "out\n");
    ::waitid(P_PID, static_cast<id_t>(made->pid), nullptr, WEXITED);
}

TEST_CASE("a descriptor that is passed on stays as it is", "[spawn]")
{
    auto pipe = make_pipe();
    REQUIRE(::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) == 0);
    spawn_request request;
    request.passed_descriptors = {pipe.read.get(), pipe.read.get()}; // twice is two descriptors
    CHECK(facts_of(request)["fds"] == "0 1 2 3 4");
    CHECK((::fcntl(pipe.read.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(pipe.read.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("variables whose value is the child's own pid", "[spawn]")
{
    auto request = child_request({"print_environment"});
    request.argv = {"x"};
    request.envp = {"A=b"};
    for (int i = 0; i < 3; ++i) {
        request.pid_variables = {"WATCHDOG_PID", "SYSTEMD_EXEC_PID"};
        const auto o = run(request);
        const auto pid = std::to_string(o.child.pid);
        std::string expected;
        for (const auto& text : {"x", "A=b"})
            expected += text + std::string(1, '\0');
        expected += "WATCHDOG_PID=" + pid + '\0' + "SYSTEMD_EXEC_PID=" + pid + '\0';
        CHECK(o.output == expected);
    }
    request.pid_variables.clear(); // nothing is left of the former ones
    CHECK(run(request).output == std::string("x\0A=b\0", 6));
}

TEST_CASE("a child is born in its control group", "[spawn][cgroup]")
{
    control_groups groups("spawn-test-" + std::to_string(::getpid()));
    if (!groups.are_available()) {
        WARN("not tested: " << groups.description());
        return;
    }
    const auto web = groups.open("web");
    REQUIRE(web.has_value());
    auto request = request_for({"/bin/cat", "/proc/self/cgroup"});
    request.cgroup = web->directory();
    request.joins_cgroup = !web->is_fertile();
    SECTION("and is there before it runs")
    {
        const auto o = run(request);
        CHECK(o.child.failed_stage == spawn_stage::none);
        CHECK(o.output.find("0::" + web->path() + '\n') != std::string::npos);
    }
    SECTION("which it enters itself, where nobody can be born there")
    {
        request.joins_cgroup = true;
        CHECK(run(request).output.find("0::" + web->path() + '\n') != std::string::npos);
    }
    SECTION("219: which has been removed")
    {
        REQUIRE(groups.remove("web"));
        check_failure(run(request), spawn_stage::cgroup, 219, ENOENT);
    }
}

TEST_CASE("219: a folder that is no control group", "[spawn][cgroup]")
{
    const scratch_folder folder;
    const unique_fd directory(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto request = child_request({"exit_with", "0"});
    request.cgroup = directory.get();
    check_failure(run(request), spawn_stage::cgroup, 219, ENOENT);
}

TEST_CASE("each step that fails has systemd's exit status", "[spawn]")
{
    auto request = child_request({"exit_with", "0"});
    SECTION("202: a descriptor to pass on that is none")
    {
        request.passed_descriptors = {987654};
        check_failure(run(request), spawn_stage::descriptors, 202, EBADF);
    }
    SECTION("203: a file that does not exist")
    {
        request.candidates = {"/no/such/program"};
        check_failure(run(request), spawn_stage::exec, 203, ENOENT);
    }
    SECTION("203: no candidate at all")
    {
        request.candidates.clear();
        check_failure(run(request), spawn_stage::exec, 203, ENOENT);
    }
    SECTION("203: a folder")
    {
        request.candidates = {"/usr"};
        check_failure(run(request), spawn_stage::exec, 203, EACCES);
    }
    SECTION("203: arguments beyond what the kernel takes")
    {
        request.argv.emplace_back(200'000, 'x');
        check_failure(run(request), spawn_stage::exec, 203, E2BIG);
    }
    SECTION("200: a working directory that does not exist")
    {
        request.working_directory = "/no/such/folder";
        check_failure(run(request), spawn_stage::chdir, 200, ENOENT);
    }
    SECTION("205: a soft limit above the hard one")
    {
        request.limits = {{RLIMIT_CORE, 2, 1}};
        check_failure(run(request), spawn_stage::limits, 205, EINVAL);
    }
    SECTION("206: an OOM score that is out of range")
    {
        request.oom_score_adjust = 5000;
        check_failure(run(request), spawn_stage::oom_adjust, 206, EINVAL);
    }
    SECTION("216 and 217: ids that are none")
    {
        if (!is_root()) return;
        identity who;
        who.changes_user = true;
        request.who = &who;
        who.gid = static_cast<gid_t>(-1);
        who.groups = {static_cast<gid_t>(-1)};
        check_failure(run(request), spawn_stage::group, 216, EINVAL);
    }
}

TEST_CASE("a script needs its interpreter, and no shell steps in", "[spawn]")
{
    const scratch_folder folder;
    SECTION("missing interpreter")
    {
        const auto script = folder.file("script", "#!/no/such/interpreter\n", 0755);
        check_failure(run(request_for({script})), spawn_stage::exec, 203, ENOENT);
    }
    SECTION("no interpreter named: ENOEXEC, where execvp(3) would try /bin/sh")
    {
        const auto script = folder.file("script", "echo hello\n", 0755);
        check_failure(run(request_for({script})), spawn_stage::exec, 203, ENOEXEC);
    }
    SECTION("not executable")
    {
        const auto script = folder.file("script", "#!/bin/sh\n", 0644);
        check_failure(run(request_for({script})), spawn_stage::exec, 203, EACCES);
    }
}

TEST_CASE("candidates are tried in order, and a forbidden one is remembered", "[spawn]")
{
    const scratch_folder folder;
    const auto forbidden = folder.file("forbidden", "#!/bin/sh\n", 0644);
    auto request = child_request({"exit_with", "5"});
    const auto good = request.candidates.front();
    SECTION("the first that can be executed wins")
    {
        request.candidates = {"/no/such/folder/exit_with", forbidden, forbidden + "/below/a/file", good,
                              "/bin/false"};
        const auto o = run(request);
        CHECK(o.child.failed_stage == spawn_stage::none);
        CHECK(o.end.si_status == 5);
    }
    SECTION("none")
    {
        request.candidates = {"/no/such/a", forbidden, "/no/such/b"};
        check_failure(run(request), spawn_stage::exec, 203, EACCES);
    }
}

TEST_CASE("a daemon that is not root", "[spawn]")
{
    if (!is_root()) return;
    // In a process of its own, which becomes nobody and cannot come back.
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        const auto nobody = look_up_identity("nobody", "", {});
        const auto root = look_up_identity("root", "", {});
        if (::setgroups(nobody->groups.size(), nobody->groups.data()) != 0 ||
            ::setresgid(nobody->gid, nobody->gid, nobody->gid) != 0 ||
            ::setresuid(nobody->uid, nobody->uid, nobody->uid) != 0)
            ::_exit(1);
        auto request = request_for({"/bin/true"});
        request.who = &*root;
        const auto to_root = spawn(request);
        if (!to_root || to_root->failed_stage != spawn_stage::group || to_root->failed_errno != EPERM)
            ::_exit(2);
        request.who = &*nobody; // itself: nothing to change
        const auto to_itself = spawn(request);
        if (!to_itself || to_itself->failed_stage != spawn_stage::none) ::_exit(3);
        request.who = nullptr;
        request.nice = -5; // as near as RLIMIT_NICE allows
        const auto nicer = spawn(request);
        if (!nicer || nicer->failed_stage != spawn_stage::none) ::_exit(4);
        ::_exit(0);
    }
    siginfo_t end{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &end, WEXITED) == 0);
    CHECK(end.si_code == CLD_EXITED);
    CHECK(end.si_status == 0);
}

TEST_CASE("spawn leaves no descriptor behind, failed or not", "[spawn]")
{
    const auto count = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    run(child_request({"exit_with", "0"})); // what is made at the first spawn stays
    const auto before = count();
    for (int i = 0; i < 50; ++i) {
        run(child_request({"exit_with", "0"}));
        run(request_for({"/no/such/program"}));
        auto with_more = child_request({"exit_with", "0"});
        with_more.passed_descriptors = {0, 0};
        run(with_more);
    }
    CHECK(count() == before);
}

TEST_CASE("exec_candidates", "[spawn]")
{
    using files = std::vector<std::string>;
    CHECK(exec_candidates("/bin/true", "/a:/b") == files{"/bin/true"});
    CHECK(exec_candidates("./run", "/a:/b") == files{"./run"});
    CHECK(exec_candidates("run", "/a:/b/") == files{"/a/run", "/b/run"});
    CHECK(exec_candidates("run", ":/a::/b:") ==
          files{"/a/run", "/b/run"}); // nobody means the working directory
    CHECK(exec_candidates("run", "").empty());
    CHECK(exec_candidates("", "/a").empty());
}
