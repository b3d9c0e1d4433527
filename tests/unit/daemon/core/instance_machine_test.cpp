// What the oracle's tables do not show: orders that are taken back, hurry, jobs, times.
#include "tests/support/catch.h"
#include "tests/support/instance_under_test.h"

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

TEST_CASE("a stop before there is a process takes the order back", "[machine]")
{
    instance_under_test i;
    i.happens(start_requested{});
    const std::uint64_t ordered = i.status.main_serial;
    CHECK(i.status.state == sub_state::start);
    CHECK(i.orders == lines{"start_process exec_start"});

    i.happens(stop_requested{});
    CHECK(i.status.state == sub_state::dead);
    CHECK(i.orders == lines{"finish_job start canceled", "finish_job stop done"});
    const instance_status down = i.status;
    i.happens(process_started{ordered, 100, {}});
    CHECK(i.orders == lines{"end_process"});
    i.happens(process_exited{ordered, exit_1, false});
    CHECK(i.status == down);
}

TEST_CASE("a process that never was: its end alone is told", "[machine]")
{
    instance_under_test i;
    i.program.type = GENERATE(service_type::simple, service_type::exec, service_type::oneshot);
    i.happens(start_requested{});
    i.main_ends({exit_code_kind::exited, 217});
    CHECK(i.status.state == sub_state::failed);
    CHECK(i.status.result == service_result::exit_code);
    CHECK(i.status.exec_main.status == 217);
    CHECK(i.status.exec_main_failure.exit_status == 217);
    CHECK(i.status.main_pid == 0);
    // As systemd: of a simple program, the start is done as soon as a process is under way.
    const bool is_simple = i.program.type == service_type::simple;
    CHECK((i.orders[1] == (is_simple ? "finish_job start done" : "announce_state failed")));
}

TEST_CASE("facts about the last run mean nothing in the next", "[machine]")
{
    instance_under_test i;
    i.program.restart = restart_mode::always;
    i.is_started();
    const std::uint64_t first = i.status.main_serial;
    i.main_ends(exit_1);
    i.wait(100ms);
    REQUIRE(i.status.state == sub_state::start);
    const instance_status before = i.status;
    i.happens(process_exited{first, exit_0, false});
    i.happens(process_not_started{first});
    CHECK(i.status == before);
}

TEST_CASE("what outlives the last signal is never started a second time by itself", "[machine]")
{
    instance_under_test i;
    i.program.restart = restart_mode::always;
    i.program.runtime_max = 1h;
    i.is_started();
    i.wait(1h);
    for (const sub_state expected : {sub_state::stop_sigterm, sub_state::stop_sigkill,
                                     sub_state::final_sigterm, sub_state::final_sigkill}) {
        CHECK(i.status.state == expected);
        i.wait(90s);
    }
    CHECK(i.status.state == sub_state::failed);
    CHECK(i.status.result == service_result::timeout);
    CHECK(i.status.last_decision == restart_reason::survivors);
    CHECK(i.status.main_pid == 0);
}

TEST_CASE("a stop on request that fails does not hide the survivors", "[machine]")
{
    instance_under_test i;
    i.program.send_sigkill = false;
    i.is_started();
    i.happens(stop_requested{});
    i.wait(90s);
    i.wait(90s);
    CHECK(i.status.state == sub_state::failed);
    CHECK(i.status.expired == time_limit::stop);
    CHECK(i.status.last_decision == restart_reason::survivors);
}

TEST_CASE("the limit that ran out first is remembered until the next start", "[machine]")
{
    instance_under_test i;
    i.program.timeout_start = 1s;
    i.program.runtime_max = 5s;
    SECTION("timeout_start")
    {
        i.program.type = GENERATE(service_type::exec, service_type::oneshot);
        if (i.program.type == service_type::exec)
            i.happens(start_requested{});
        else
            i.is_started();
        i.wait(1s);
        if (i.program.type == service_type::oneshot) i.wait(90s); // timeout_stop comes second
        CHECK(i.status.expired == time_limit::start);
    }
    SECTION("runtime_max")
    {
        i.is_started();
        i.wait(5s);
        i.wait(90s);
        CHECK(i.status.state == sub_state::stop_sigkill);
        CHECK(i.status.expired == time_limit::runtime);
    }
    SECTION("timeout_stop")
    {
        i.is_started();
        i.happens(stop_requested{});
        i.wait(90s);
        CHECK(i.status.expired == time_limit::stop);
    }
    SECTION("not when the result is another failure already")
    {
        i.is_started();
        i.main_ends(exit_1, true);
        i.wait(90s);
        CHECK(i.status.result == service_result::exit_code);
        CHECK(i.status.expired == time_limit::none);
    }
    CHECK((i.status.result == service_result::timeout) == (i.status.expired != time_limit::none));
    i.main_ends(by_sigkill);
    i.happens(reset_failed_requested{});
    CHECK(i.status.expired == time_limit::none);
}

TEST_CASE("hurry sends SIGKILL to everything, whatever the configuration says", "[machine]")
{
    instance_under_test i;
    i.program.send_sigkill = false;
    i.program.final_kill_signal = SIGQUIT;
    i.program.kill = kill_mode::process;
    i.program.restart = restart_mode::always;
    SECTION("while it runs")
    {
        i.is_started();
        i.happens(hurry_requested{});
        CHECK(i.orders == lines{"send_signal SIGKILL all", "announce_state stop-sigkill"});
        i.main_ends(by_sigkill);
        CHECK(i.status.state == sub_state::failed); // and no restart
    }
    SECTION("while it stops")
    {
        i.is_started();
        i.happens(stop_requested{});
        i.happens(hurry_requested{});
        CHECK(i.orders == lines{"send_signal SIGKILL all", "announce_state stop-sigkill"});
        i.main_ends(by_sigkill);
        CHECK(i.orders == lines{"announce_state failed", "finish_job stop done"});
    }
    SECTION("while it waits for its restart")
    {
        i.is_started();
        i.main_ends(exit_1);
        i.happens(hurry_requested{});
        CHECK(i.status.state == sub_state::dead);
    }
    SECTION("but kill_mode none is obeyed")
    {
        i.program.kill = kill_mode::none;
        i.is_started();
        i.happens(hurry_requested{});
        CHECK(i.orders == lines{"announce_state dead"});
    }
}

TEST_CASE("with '-' a command that cannot be executed counts as exit 0", "[machine]")
{
    instance_under_test i;
    i.program.exec_start[0].ignore_failure = true;
    i.happens(start_requested{});
    i.begins({203, 2});
    i.main_ends({exit_code_kind::exited, 203});
    CHECK(i.status.state == sub_state::dead);
    CHECK(i.status.exec_main == exit_0);
    CHECK(i.status.exec_main_failure.errno_value == 2); // why, for whoever asks
}

TEST_CASE("the commands of a oneshot run one after another, each with its own time", "[machine]")
{
    instance_under_test i;
    i.program.type = service_type::oneshot;
    i.program.exec_start = {{{"/bin/first"}}, {{"/bin/second"}}};
    i.program.timeout_start = 60s;
    i.is_started();
    i.now.monotonic += 50s;
    i.main_ends(exit_0);
    CHECK(i.orders == lines{"start_process exec_start 1"});
    CHECK(i.status.exec_main.code == exit_code_kind::never_ran);
    CHECK(i.status.deadline == i.now.monotonic + 60s);
    i.begins();
    CHECK(i.orders.empty());

    SECTION("both well")
    {
        i.main_ends(exit_0);
        CHECK(i.orders == lines{"announce_state dead", "finish_job start done"});
    }
    SECTION("stopped in between: no further command")
    {
        i.happens(stop_requested{});
        i.main_ends(exit_0);
        CHECK(i.status.state == sub_state::dead);
    }
    SECTION("the second takes too long")
    {
        i.wait(60s);
        CHECK(i.status.state == sub_state::stop_sigterm);
        i.main_ends(exit_0);
        CHECK(i.status.state == sub_state::failed);
        CHECK(i.status.result == service_result::timeout);
    }
}

TEST_CASE("a limit of 0 is none", "[machine]")
{
    instance_under_test i;
    i.program.timeout_start = 0s;
    i.program.timeout_stop = 0s;
    i.program.runtime_max = 0s;
    i.happens(start_requested{});
    CHECK(next_deadline(i.status) == never);
    i.begins();
    CHECK(next_deadline(i.status) == never);
    i.happens(stop_requested{});
    CHECK(next_deadline(i.status) == never);
}

TEST_CASE("a time that has not come yet changes nothing", "[machine]")
{
    instance_under_test i;
    i.is_started();
    i.happens(stop_requested{});
    const instance_status before = i.status;
    i.now.monotonic += 89s;
    i.happens(time_passed{});
    CHECK(i.status == before);
    CHECK(i.orders.empty());
}

TEST_CASE("the times of the states are kept as systemd shows them", "[machine]")
{
    instance_under_test i;
    i.program.restart = restart_mode::always;
    const wall_time t0 = i.now.wall;
    const auto at = [&](duration d) { i.now = {time_point{} + 1h + d, t0 + d}; };
    i.is_started();
    at(10s);
    i.main_ends(exit_1, true);
    at(11s);
    i.happens(processes_gone{});
    REQUIRE(i.status.state == sub_state::auto_restart);
    CHECK(i.status.active_enter == t0);
    CHECK(i.status.active_exit == t0 + 10s);
    CHECK(i.status.exec_main_start == t0);
    CHECK(i.status.exec_main_exit == t0 + 10s);
    CHECK(i.status.inactive_enter == t0 + 11s);
    CHECK(i.status.inactive_exit == t0 + 11s); // auto-restart is activating
    CHECK(i.status.state_change == t0 + 11s);
    CHECK(i.status.deadline == i.now.monotonic + 100ms); // from the end of the last process
}

TEST_CASE("n_restarts counts until a start that is not automatic", "[machine]")
{
    instance_under_test i;
    i.program.restart = restart_mode::always;
    i.is_started();
    for (unsigned n = 1; n <= 3; ++n) {
        i.main_ends(exit_1);
        i.wait(100ms);
        CHECK(i.status.n_restarts == n);
        i.begins();
    }
    i.main_ends(exit_1);
    REQUIRE(i.status.state == sub_state::auto_restart);
    SECTION("start during the delay")
    {
        i.happens(start_requested{});
        CHECK(i.status.n_restarts == 0);
    }
    SECTION("restart during the delay")
    {
        i.happens(restart_requested{});
        CHECK(i.status.n_restarts == 0);
    }
    SECTION("stop during the delay: shown until the next start")
    {
        i.happens(stop_requested{});
        CHECK(i.status.n_restarts == 3);
        i.happens(start_requested{});
        CHECK(i.status.n_restarts == 0);
    }
    SECTION("reset-failed: at once")
    {
        i.happens(reset_failed_requested{});
        CHECK(i.status.n_restarts == 0);
        i.wait(100ms);
        CHECK(i.status.n_restarts == 1);
    }
}

TEST_CASE("SIGCONT follows every signal but SIGKILL and itself", "[machine]")
{
    instance_under_test i;
    const auto [signal, expected] = GENERATE(table<int, lines>({
        {SIGTERM, {"send_signal SIGTERM all", "send_signal SIGCONT all", "announce_state stop-sigterm"}},
        {SIGKILL, {"send_signal SIGKILL all", "announce_state stop-sigterm"}},
        {SIGCONT, {"send_signal SIGCONT all", "announce_state stop-sigterm"}},
    }));
    i.program.kill_signal = signal;
    i.is_started();
    i.happens(stop_requested{});
    CHECK(i.orders == expected);
}

TEST_CASE("restart_kill_signal is for a restart that was asked for", "[machine]")
{
    instance_under_test i;
    i.program.restart = restart_mode::always;
    i.program.restart_kill_signal = SIGINT;
    i.is_started();
    SECTION("restart")
    {
        i.happens(restart_requested{});
        CHECK(i.orders[0] == "send_signal SIGINT all");
    }
    SECTION("stop")
    {
        i.happens(stop_requested{});
        CHECK(i.orders[0] == "send_signal SIGTERM all");
    }
    SECTION("automatic restart")
    {
        i.main_ends(exit_1, true);
        CHECK(i.orders[0] == "send_signal SIGTERM all");
    }
}

TEST_CASE("a run that begins in a step begins with the new configuration", "[machine]")
{
    instance_under_test i;
    i.is_started();
    i.happens(restart_requested{});
    program_config changed = i.program;
    changed.timeout_start = 5s;
    std::vector<action> actions;
    step(i.program, changed, i.status, process_exited{i.status.main_serial, exit_0, false}, i.now, {1, 99},
         actions);
    CHECK(i.status.state == sub_state::start);
    CHECK(i.status.deadline == i.now.monotonic + 5s);
    CHECK(i.status.invocation == invocation_id{1, 99});
}

TEST_CASE("an invocation id is 128 bits in hex", "[machine]")
{
    CHECK(invocation_id{0x0123456789abcdef, 0xfedcba9876543210}.text() == "0123456789abcdeffedcba9876543210");
}
