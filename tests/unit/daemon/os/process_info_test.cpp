#include "daemon/os/pidfd.h"
#include "daemon/os/process_info.h"
#include "tests/support/catch.h"
#include "tests/support/children/children.h"

#include <algorithm>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::tests;

TEST_CASE("what /proc tells of a process", "[process_info]")
{
    const auto self = read_process(::getpid());
    REQUIRE(self.has_value());
    CHECK(self->state == 'R');
    CHECK(self->parent == ::getppid());
    CHECK(self->group == ::getpgrp());
    CHECK(self->session == ::getsid(0));
    CHECK(self->threads == 1);
    CHECK(self->start_time > 0);
    CHECK_FALSE(self->has_ended());
    CHECK_FALSE(read_process(0).has_value());
    CHECK_FALSE(read_process(-1).has_value());
}

TEST_CASE("the name of a process may look like anything", "[process_info]")
{
    std::string stat = "42 (a) Z 1 (b\n) S 7 8 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 3 0 12345";
    for (int field = 23; field < 52; ++field)
        stat += " 0";
    stat += " 1792\n";
    const auto info = parse_process(stat);
    REQUIRE(info.has_value());
    CHECK(info->state == 'S');
    CHECK(info->parent == 7);
    CHECK(info->group == 8);
    CHECK(info->session == 9);
    CHECK(info->threads == 3);
    CHECK(info->start_time == 12345);
    CHECK(info->wait_status == 1792);
    for (const auto* const broken :
         {"", "42", "42 (a", "42 (a)", "42 (a) ", "42 (a) S", "42 (a) S x", "42 (a) S 1 2"})
        CHECK_FALSE(parse_process(broken).has_value());
}

TEST_CASE("a first thread that has ended does not end its process", "[process_info]")
{
    process_info info;
    info.state = 'Z';
    info.threads = 2;
    CHECK_FALSE(info.has_ended());
    info.threads = 1;
    CHECK(info.has_ended());
}

TEST_CASE("the children of a process", "[process_info]")
{
    auto hold = make_pipe();
    std::vector<pid_t> made;
    for (int i = 0; i < 3; ++i) {
        made.push_back(::fork());
        if (made.back() == 0) {
            hold.write.reset();
            char byte = 0;
            while (::read(hold.read.get(), &byte, 1) > 0) {
            }
            ::_exit(0);
        }
    }
    std::ranges::sort(made);
    auto found = children_of(::getpid());
    auto searched = find_children_of(::getpid());
    std::ranges::sort(found);
    std::ranges::sort(searched);
    CHECK(found == made);
    CHECK(searched == made);
    hold.write.reset();
    for (const pid_t pid : made)
        ::waitpid(pid, nullptr, 0);
    CHECK(children_of(::getpid()).empty());
    CHECK(children_of(made.front()).empty());
}

TEST_CASE("the environment a process was started with", "[process_info]")
{
    const char* const path = std::getenv("PATH");
    REQUIRE(path != nullptr);
    const auto environment = read_environment_of(::getpid());
    REQUIRE(environment);
    CHECK(environment_value(*environment, "PATH") == path);
    CHECK_FALSE(environment_value(*environment, "PAT").has_value());
    CHECK_FALSE(environment_value(*environment, "NO_SUCH_VARIABLE").has_value());
    CHECK_FALSE(environment_value("", "PATH").has_value());
    CHECK_FALSE(read_environment_of(-1).has_value());
}

TEST_CASE("a status as wait(2) has it", "[pidfd]")
{
    CHECK(end_of_wait_status(0x0700) == process_end{exit_code_kind::exited, 7});
    CHECK(end_of_wait_status(0) == process_end{exit_code_kind::exited, 0});
    CHECK(end_of_wait_status(9) == process_end{exit_code_kind::killed, 9});
    CHECK(end_of_wait_status(11 | 0x80) == process_end{exit_code_kind::dumped, 11});
    CHECK(end_of_wait_status(0x137f) == process_end{}); // stopped
}

TEST_CASE("a pidfd", "[pidfd]")
{
    const pid_t pid = ::fork();
    if (pid == 0)
        for (;;)
            ::pause();
    const auto held = open_pidfd(pid);
    REQUIRE(held);
    CHECK_FALSE(has_ended(held.get()));
    CHECK(send_signal(held.get(), 0) == 0);
    CHECK(send_signal(held.get(), 999) == EINVAL);
    CHECK(send_signal(held.get(), SIGKILL) == 0);
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
    CHECK(has_ended(held.get()));
    CHECK(send_signal(held.get(), 0) == 0);
    CHECK(end_of_alien(held.get(), pid) == process_end{exit_code_kind::killed, SIGKILL}); // a zombie
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) == 0);
    CHECK(has_ended(held.get()));
    CHECK(send_signal(held.get(), 0) == ESRCH);
    const auto end = end_of_alien(held.get(), pid);
    CHECK((end == process_end{} || end == process_end{exit_code_kind::killed, SIGKILL}));
    CHECK_FALSE(open_pidfd(pid));
    CHECK(end_of_alien(-1, pid) == process_end{});
}
