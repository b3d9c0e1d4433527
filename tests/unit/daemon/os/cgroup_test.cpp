#include "daemon/os/cgroup.h"
#include "daemon/os/spawn.h"
#include "tests/support/catch.h"
#include "tests/support/children/children.h"
#include "tests/support/scratch_folder.h"

#include <filesystem>
#include <functional>
#include <set>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::tests;

namespace {

std::string own_name(const std::string& more = "")
{
    return "cgroup-test-" + std::to_string(::getpid()) + more;
}

std::string folder_of(const control_groups& groups)
{
    return groups.description().substr(std::string("control groups in ").size());
}

bool exists(const std::string& path) { return std::filesystem::exists(path); }

bool is_available()
{
    const control_groups groups(own_name("-probe"));
    if (!groups.are_available()) WARN("not tested: " << groups.description());
    return groups.are_available();
}

// A process that runs in a control group until `input` is closed, or it is killed.
struct inhabitant {
    pipe_ends input;
    pid_t pid = 0;

    explicit inhabitant(const control_group& home, pipe_ends held_open = make_pipe())
        : input(std::move(held_open))
    {
        auto output = make_pipe();
        spawn_request request;
        request.argv = request.candidates = {child_path("await_eof")};
        request.standard_input = input.read.get();
        request.standard_output = output.write.get();
        request.cgroup = home.directory();
        request.joins_cgroup = !home.is_fertile();
        const auto made = spawn(request);
        REQUIRE(made.has_value());
        REQUIRE(read_line(output.read.get()) == "ready");
        pid = made->pid;
    }
    siginfo_t wait()
    {
        siginfo_t info{};
        ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED);
        return info;
    }
};

// What a process of its own, which may do to itself what it likes, answers.
std::string said_by_another(const std::function<std::string()>& question)
{
    auto answer = make_pipe();
    const pid_t pid = ::fork();
    if (pid == 0) {
        const auto text = question();
        ::_exit(::write(answer.write.get(), text.data(), text.size()) < 0 ? 1 : 0);
    }
    answer.write.reset();
    auto text = read_all(answer.read.get());
    ::waitpid(pid, nullptr, 0);
    return text;
}

} // namespace

TEST_CASE("a control group knows its processes", "[cgroup]")
{
    if (!is_available()) return;
    control_groups groups(own_name());
    auto web = groups.open("web");
    REQUIRE(web.has_value());
    CHECK_FALSE(web->has_processes());
    CHECK(web->processes().empty());
    CHECK_FALSE(web->contains(::getpid()));

    inhabitant first(*web);
    inhabitant second(*web);
    CHECK(web->has_processes());
    CHECK(web->processes().size() == 2);
    CHECK(web->contains(first.pid));
    CHECK(groups.open("we")->contains(first.pid) == false);
    CHECK_FALSE(groups.remove("web"));
    CHECK(web->has_processes());

    REQUIRE(web->kill().has_value());
    CHECK(first.wait().si_status == SIGKILL);
    CHECK(second.wait().si_status == SIGKILL);
    // Until the kernel says so: some count a process a little longer.
    pollfd event{web->events(), POLLPRI, 0};
    while (web->has_processes())
        REQUIRE(::poll(&event, 1, 60'000) == 1);
    CHECK(groups.remove("web"));
    CHECK(groups.remove("web"));
    CHECK_FALSE(web->has_processes());
    CHECK(web->processes().empty());
    CHECK_FALSE(web->kill().has_value());
}

TEST_CASE("a zombie is no process of its control group", "[cgroup]")
{
    if (!is_available()) return;
    control_groups groups(own_name());
    auto web = groups.open("web");
    REQUIRE(web.has_value());
    inhabitant only(*web);
    only.input = {};
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(only.pid), &info, WEXITED | WNOWAIT) == 0);
    CHECK_FALSE(web->has_processes());
    CHECK(web->processes().empty());
    CHECK(web->contains(only.pid)); // which says whose it was
    only.wait();
    CHECK_FALSE(web->contains(only.pid));
}

TEST_CASE("what a program makes below its control group belongs to it", "[cgroup]")
{
    if (!is_available()) return;
    control_groups groups(own_name());
    auto web = groups.open("web");
    REQUIRE(web.has_value());
    const auto below = folder_of(groups) + "/web/a/b";
    std::filesystem::create_directories(below);
    std::filesystem::create_directories(folder_of(groups) + "/web/c");
    unique_fd directory(::open(below.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    unique_fd events(::open((below + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
    const control_group inner(std::move(directory), std::move(events), web->path() + "/a/b", false);
    inhabitant deep(inner);
    CHECK(web->has_processes());
    CHECK(web->processes() == std::vector{deep.pid});
    CHECK(web->contains(deep.pid));
    CHECK_FALSE(groups.remove("web"));
    CHECK(exists(below));
    REQUIRE(web->kill().has_value());
    deep.wait();
    CHECK(groups.remove("web"));
    CHECK_FALSE(exists(folder_of(groups) + "/web"));
}

TEST_CASE("a name cannot be taken for a file of the kernel's", "[cgroup]")
{
    if (!is_available()) return;
    control_groups groups(own_name());
    std::set<std::string> paths;
    for (const std::string name :
         {"cgroup.procs", "_cgroup.procs", "cpu.stat", "web", "_web", "web@1", "a.b", "a-b"}) {
        CAPTURE(name);
        const auto made = groups.open(name);
        REQUIRE(made.has_value());
        CHECK(paths.insert(made->path()).second);
        CHECK_FALSE(made->has_processes());
        CHECK(groups.remove(name));
    }
}

TEST_CASE("empty control groups go with the daemon", "[cgroup]")
{
    if (!is_available()) return;
    std::string folder;
    {
        control_groups groups(own_name());
        folder = folder_of(groups);
        REQUIRE(groups.open("web").has_value());
        CHECK(exists(folder + "/web"));
    }
    CHECK_FALSE(exists(folder));
}

TEST_CASE("two daemons of one identity do not share control groups", "[cgroup]")
{
    if (!is_available()) return;
    const control_groups first(own_name());
    const control_groups second(own_name());
    CHECK(second.description() == "no control groups: another daemon uses " + folder_of(first));
    CHECK(exists(folder_of(first)));
}

TEST_CASE("what a daemon that was killed has left is removed, what another uses is not", "[cgroup]")
{
    if (!is_available()) return;
    const auto name = own_name();
    const auto abandoned = said_by_another([&] {
        auto* const groups = new control_groups(name + "-abandoned"); // NOLINT: it comes to no good end
        const auto web = groups->open("web");
        return folder_of(*groups);
    });
    CHECK(exists(abandoned));
    control_groups in_use(own_name("-in-use"));
    REQUIRE(in_use.open("web").has_value());
    CHECK_FALSE(exists(abandoned));

    // The next one of that name finds those that still have processes.
    auto input = make_pipe();
    const auto inhabited = said_by_another([&] {
        auto* const groups = new control_groups(name + "-inhabited"); // NOLINT
        const auto web = groups->open("web");
        const auto idle = groups->open("idle");
        const inhabitant process(*web, std::move(input));
        return std::to_string(process.pid) + ' ' + folder_of(*groups);
    });
    const pid_t left = std::stoi(inhabited);
    {
        control_groups next(name + "-inhabited");
        CHECK(folder_of(next) == inhabited.substr(inhabited.find(' ') + 1));
        CHECK_FALSE(exists(folder_of(next) + "/idle"));
        auto web = next.open("web");
        REQUIRE(web.has_value());
        CHECK(web->processes() == std::vector<pid_t>{left});
        pollfd event{web->events(), POLLPRI, 0};
        REQUIRE(web->kill().has_value());
        while (web->has_processes())
            REQUIRE(::poll(&event, 1, 60'000) == 1);
        ::waitpid(left, nullptr, 0); // ours, where another test has made us a subreaper
    }
    CHECK(exists(folder_of(in_use) + "/web"));
}

TEST_CASE("where there are no control groups, the reason is told", "[cgroup]")
{
    const scratch_folder proc;
    SECTION("nobody wants them")
    {
        control_groups groups(control_groups::unwanted{"cgroups: false"});
        CHECK_FALSE(groups.are_available());
        CHECK(groups.description() == "no control groups: cgroups: false");
        const auto made = groups.open("web");
        REQUIRE_FALSE(made.has_value());
        CHECK(made.error().message() == "there are no control groups: cgroups: false");
    }
    SECTION("the kernel has only version 1")
    {
        proc.file("cgroup", "1:cpu:/\n");
        proc.file("mountinfo", "");
        CHECK(control_groups("x", proc.path()).description() ==
              "no control groups: the kernel has none of version 2");
    }
    SECTION("/proc cannot be read")
    {
        CHECK(control_groups("x", "/no/such/folder").description() ==
              "no control groups: the kernel has none of version 2");
    }
    SECTION("they are mounted nowhere")
    {
        proc.file("cgroup", "0::/a\n");
        proc.file("mountinfo", "30 23 0:26 /b /sys/fs/cgroup rw - cgroup2 cgroup rw\n");
        CHECK(control_groups("x", proc.path()).description() ==
              "no control groups: that of the daemon, /a, is not mounted anywhere");
    }
    SECTION("what is mounted is not what it says")
    {
        proc.file("cgroup", "0::/\n");
        proc.file("mountinfo", "30 23 0:26 / " + proc.path() + " rw - cgroup2 cgroup rw\n");
        CHECK(control_groups("x", proc.path()).description() ==
              "no control groups: " + proc.path() + "/procctl.x is no control group");
        CHECK_FALSE(exists(proc / "procctl.x"));
    }
    SECTION("the daemon's own cannot be found")
    {
        proc.file("cgroup", "0::/gone\n");
        proc.file("mountinfo", "30 23 0:26 / " + proc.path() + " rw - cgroup2 cgroup rw\n");
        CHECK(control_groups("x", proc.path()).description() ==
              "no control groups: cannot open " + proc.path() + "/gone: No such file or directory");
    }
}

TEST_CASE("a user who may not make control groups", "[cgroup]")
{
    if (!is_available() || ::geteuid() != 0) return;
    const auto said = said_by_another([] {
        return ::setresuid(65534, 65534, 65534) == 0 ? control_groups(own_name("-user")).description() : "";
    });
    CAPTURE(said);
    CHECK(said.starts_with("no control groups: cannot make /"));
    CHECK(said.ends_with(": Permission denied"));
}

TEST_CASE("a container whose control groups are read-only", "[cgroup]")
{
    if (!is_available() || ::geteuid() != 0) return;
    const auto parent = std::filesystem::path(folder_of(control_groups(own_name()))).parent_path().string();
    const auto said = said_by_another([&]() -> std::string {
        const char* const folder = parent.c_str();
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount(folder, folder, nullptr, MS_BIND, nullptr) != 0 ||
            ::mount(nullptr, folder, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0)
            return "cannot make a read-only mount";
        return control_groups(own_name("-container")).description();
    });
    if (said == "cannot make a read-only mount") {
        WARN("not tested: " << said);
        return;
    }
    CAPTURE(said);
    CHECK(said.starts_with("no control groups: cannot make /"));
    CHECK(said.ends_with(": Read-only file system"));
}
