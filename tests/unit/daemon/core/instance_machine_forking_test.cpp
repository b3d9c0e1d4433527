// Type forking, exit_type cgroup, remain_after_exit: programs whose main process is not the one that was
// started, or not what counts.
#include "tests/support/catch.h"
#include "tests/support/instance_under_test.h"

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

namespace {

const found_process daemonized{500, true, true, nullptr};

struct forking : instance_under_test {
    explicit forking(const std::string& pid_file = {}) : instance_under_test(service_type::forking)
    {
        program.pid_file = pid_file;
    }
    // The parent has left a process behind.
    void parent_ends(bool has_others = true)
    {
        is_started();
        control_ends(exit_0, has_others);
    }
    void main_is_found(const found_process& found = daemonized)
    {
        happens(main_found{status.sought_serial, found});
    }
    void main_is_not_found() { happens(main_not_found{status.sought_serial}); }
};

} // namespace

TEST_CASE("a forking program is up when its parent has ended and its PID file names a process",
          "[machine][forking]")
{
    forking i("/run/worker.pid");
    i.happens(start_requested{});
    CHECK(i.orders == lines{"start_process exec_start"});
    i.begins();
    CHECK(i.status.main_pid == 0); // the parent is a control process
    CHECK(i.status.control_pid == 100);
    i.control_ends(exit_0, true);
    CHECK(i.orders == lines{"find_main and wait"});
    CHECK(i.state() == sub_state::start);
    CHECK(i.left() == 90s);
    i.main_is_found();
    CHECK(i.orders == lines{"watch_main", "announce_state running", "finish_job start done"});
    CHECK(i.status.main_pid == 500);
    CHECK_FALSE(i.status.is_main_alien);
    i.main_ends(exit_1);
    CHECK(i.state() == sub_state::failed);
    CHECK(i.status.exec_main == exit_1);
}

TEST_CASE("without a usable PID file the result is protocol, or timeout where others live on",
          "[machine][forking]")
{
    forking i("/run/worker.pid");
    SECTION("nobody is left to write it")
    {
        i.parent_ends(false);
        CHECK(i.orders == lines{"find_main"}); // one look, no waiting
        i.main_is_not_found();
        CHECK(i.state() == sub_state::failed);
        CHECK(i.status.result == service_result::protocol);
    }
    SECTION("the last process ends while the file is awaited")
    {
        i.parent_ends();
        i.happens(processes_gone{});
        CHECK(i.state() == sub_state::failed);
        CHECK(i.status.result == service_result::protocol);
        CHECK(i.status.sought_serial == 0);
    }
    SECTION("it never comes")
    {
        i.parent_ends();
        i.times_out();
        CHECK(i.state() == sub_state::stop_sigterm);
        CHECK(i.status.sought_serial == 0);
        i.happens(processes_gone{});
        CHECK(i.status.result == service_result::timeout);
    }
    SECTION("exec_start_post may write it")
    {
        i.program.exec_start_post = commands({"/bin/post"});
        i.parent_ends();
        CHECK(i.orders == lines{"find_main"});
        i.main_is_not_found();
        CHECK(i.orders == lines{"start_process exec_start_post"});
        i.runs_command(exit_0, true);
        CHECK(i.orders == lines{"find_main and wait"});
        SECTION("it does")
        {
            i.main_is_found();
            CHECK(i.state() == sub_state::running);
        }
        SECTION("it does not, and the last process ends")
        {
            i.happens(processes_gone{});
            CHECK(i.state() == sub_state::failed);
            CHECK(i.status.result == service_result::protocol);
        }
        SECTION("it does not in time")
        {
            i.times_out();
            CHECK(i.state() == sub_state::stop_sigterm);
            CHECK(i.status.result == service_result::timeout);
        }
    }
}

TEST_CASE("an answer about an earlier search means nothing", "[machine][forking]")
{
    forking i("/run/worker.pid");
    i.parent_ends();
    const std::uint64_t first = i.status.sought_serial;
    i.happens(stop_requested{});
    i.happens(processes_gone{});
    REQUIRE(is_down(i.status));
    i.is_started();
    const instance_status before = i.status;
    i.happens(main_found{first, daemonized});
    i.happens(main_not_found{first});
    i.happens(main_found{0, daemonized});
    i.happens(main_not_found{0});
    CHECK(i.status == before);
}

TEST_CASE("a parent that fails fails the start", "[machine][forking]")
{
    forking i("/run/worker.pid");
    i.is_started();
    const auto [end, result] = GENERATE(table<process_end, service_result>({
        {exit_1, service_result::exit_code},
        {by_sigkill, service_result::signal},
    }));
    i.control_ends(end);
    CHECK(i.state() == sub_state::failed);
    CHECK(i.status.result == result);
    CHECK(i.status.culprit->command == exec_command::start);
    CHECK(i.status.exec_main.code == exit_code_kind::never_ran);
}

TEST_CASE("a parent that dies by SIGTERM has ended well", "[machine][forking]")
{
    forking i;
    i.is_started();
    i.control_ends(by_sigterm, true);
    CHECK(i.orders == lines{"find_main"});
}

TEST_CASE("without a PID file the main process is guessed, or not known", "[machine][forking]")
{
    forking i;
    SECTION("guessed")
    {
        i.parent_ends();
        CHECK(i.orders == lines{"find_main"});
        i.main_is_found();
        CHECK(i.state() == sub_state::running);
        i.main_ends(exit_1);
        CHECK(i.status.result == service_result::exit_code);
    }
    SECTION("no single candidate: it lives as long as any process of it does")
    {
        if (GENERATE(false, true)) {
            i.parent_ends();
            i.main_is_not_found();
        } else {
            i.program.guess_main_pid = false;
            i.parent_ends();
        }
        CHECK(i.state() == sub_state::running);
        CHECK_FALSE(i.status.is_main_known);
        i.happens(processes_gone{});
        CHECK(i.state() == sub_state::dead); // nobody knows how they ended
        CHECK(i.status.result == service_result::success);
    }
    SECTION("nothing is left behind: it has ended well")
    {
        i.program.guess_main_pid = false;
        i.parent_ends(false);
        CHECK(i.states == lines{"start", "dead"});
        CHECK(i.has_ordered("finish_job start done"));
    }
}

TEST_CASE("a main process that is no child of the daemon ends without a status", "[machine][forking]")
{
    forking i("/run/worker.pid");
    i.parent_ends();
    i.main_is_found({500, true, false, nullptr});
    CHECK(i.status.is_main_alien);
    i.main_ends({});
    CHECK(i.state() == sub_state::dead);
    CHECK(i.status.exec_main.code == exit_code_kind::never_ran);
    CHECK(i.status.result == service_result::success);
}

TEST_CASE("the main process may move on, as long as its PID file says so before it ends",
          "[machine][forking]")
{
    forking i("/run/worker.pid");
    i.parent_ends();
    i.main_is_found();
    const std::uint64_t first = i.status.main_serial;
    i.happens(main_moved{{501, true, true, nullptr}});
    CHECK(i.orders == lines{"watch_main"});
    CHECK(i.status.main_pid == 501);
    i.happens(process_exited{first, exit_1, true}); // of no interest any more
    CHECK(i.state() == sub_state::running);
    CHECK(i.status.result == service_result::success);
    i.main_ends(exit_0);
    CHECK(i.state() == sub_state::dead);
    SECTION("not to itself, and not where there is none")
    {
        i.happens(main_moved{{502, true, true, nullptr}});
        CHECK(i.orders.empty());
        CHECK(i.state() == sub_state::dead);
    }
}

TEST_CASE("a process cannot be main and control at once", "[machine][forking]")
{
    forking i("/run/worker.pid");
    i.program.exec_start_post = commands({"/bin/post"});
    i.parent_ends();
    i.main_is_found();
    i.begins();
    i.happens(main_moved{{i.status.control_pid, true, true, nullptr}});
    CHECK(i.orders.empty());
    CHECK(i.status.main_pid == 500);
}

TEST_CASE("exec_reload may bring another main process", "[machine][forking]")
{
    forking i("/run/worker.pid");
    i.program.exec_reload = commands({"/bin/reload"});
    i.parent_ends();
    i.main_is_found();
    i.happens(reload_requested{});
    i.runs_command(exit_0);
    CHECK(i.orders == lines{"find_main"});
    SECTION("found")
    {
        i.main_is_found({501, true, true, nullptr});
        CHECK(i.status.main_pid == 501);
        CHECK(i.orders == lines{"watch_main", "announce_state running", "finish_job reload done"});
    }
    SECTION("the same, or none: nothing changes")
    {
        if (GENERATE(false, true))
            i.main_is_found();
        else
            i.main_is_not_found();
        CHECK(i.status.main_pid == 500);
        CHECK(i.orders == lines{"announce_state running", "finish_job reload done"});
    }
}

TEST_CASE("exit_type cgroup: all processes must have ended", "[machine][cgroup]")
{
    instance_under_test i;
    i.program.exit = exit_type::cgroup;
    i.program.exec_stop = commands({"/bin/stop"});
    i.is_started();
    SECTION("the main process ends well, others live: nothing happens")
    {
        i.main_ends(exit_0, true);
        CHECK(i.orders.empty());
        CHECK(i.state() == sub_state::running);
        i.happens(processes_gone{});
        CHECK(i.orders == lines{"start_process exec_stop"});
        i.runs_command(exit_0);
        CHECK(i.state() == sub_state::dead);
    }
    SECTION("the main process ends badly, others live: that counts once they have ended")
    {
        i.main_ends(exit_1, true);
        CHECK(i.state() == sub_state::running);
        CHECK(i.status.result == service_result::exit_code);
        i.happens(processes_gone{});
        CHECK(i.state() == sub_state::failed);
    }
    SECTION("the main process was the last")
    {
        i.main_ends(exit_1);
        CHECK(i.state() == sub_state::failed);
    }
    SECTION("a stop signals those that are left, though there is no main process")
    {
        i.main_ends(exit_0, true);
        i.happens(stop_requested{});
        i.runs_command(exit_0, true);
        CHECK(i.orders[0] == "send_signal SIGTERM all");
        CHECK(i.state() == sub_state::stop_sigterm);
        i.happens(processes_gone{});
        CHECK(i.state() == sub_state::dead);
    }
}

TEST_CASE("remain_after_exit: a good end leaves it active, a bad one does not", "[machine][remain]")
{
    instance_under_test i(GENERATE(service_type::simple, service_type::exec, service_type::oneshot));
    i.program.remain_after_exit = true;
    i.program.restart = restart_mode::on_failure;
    i.program.exec_stop = commands({"/bin/stop"});
    i.program.restart_force_exit_status.add_code(0);
    i.is_started();
    SECTION("a good one: until a request")
    {
        i.main_ends(exit_0);
        CHECK(i.state() == sub_state::exited);
        CHECK(next_deadline(i.status) == never);
        i.happens(start_requested{});
        CHECK(i.orders == lines{"finish_job start done"});
        SECTION("stop runs exec_stop")
        {
            i.happens(stop_requested{});
            CHECK(i.orders == lines{"start_process exec_stop"});
            i.runs_command(exit_0);
            CHECK(i.state() == sub_state::dead);
        }
        SECTION("restart runs it anew")
        {
            i.happens(restart_requested{});
            i.runs_command(exit_0);
            CHECK(i.orders.back() == "start_process exec_start");
        }
    }
    SECTION("a bad one")
    {
        i.main_ends(exit_1);
        CHECK(i.state() == sub_state::auto_restart);
    }
}

TEST_CASE("remain_after_exit with others that are left: they run on until the stop", "[machine][remain]")
{
    instance_under_test i;
    i.program.remain_after_exit = true;
    i.is_started();
    i.main_ends(exit_0, true);
    CHECK(i.state() == sub_state::exited);
    i.happens(stop_requested{});
    CHECK(i.state() == sub_state::stop_sigterm);
    i.happens(processes_gone{});
    CHECK(i.state() == sub_state::dead);
}

TEST_CASE("a oneshot may do without exec_start", "[machine][oneshot]")
{
    instance_under_test i(service_type::oneshot);
    i.program.exec_start.clear();
    i.program.exec_stop = commands({"/bin/stop"});
    i.program.remain_after_exit = true;
    i.happens(start_requested{});
    CHECK(i.orders == lines{"announce_state start", "announce_state exited", "finish_job start done"});
    CHECK(i.status.exec_main.code == exit_code_kind::never_ran);
    i.happens(stop_requested{});
    i.runs_command(exit_0);
    CHECK(i.state() == sub_state::dead);
}
