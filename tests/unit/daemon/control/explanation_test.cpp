// How an instance came down, and why it stays down. What lasts, and each way to fail, is a table of its own
// in explanation_states_test.cpp.

#include "tests/support/catch.h"
#include "tests/unit/daemon/control/situation.h"

#include <signal.h>

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

TEST_CASE("a program that is up has little to explain", "[explanation]")
{
    situation s;
    s.status.state = sub_state::running;
    s.status.main_pid = 7;
    CHECK(s.text() == "running");
    s.status.n_restarts = 1;
    CHECK(s.text() == "running; started again once by its restart policy");
    s.status.n_restarts = 3;
    CHECK(s.text() == "running; started again 3 times by its restart policy");
    s.has_new_configuration = true;
    CHECK(s.text() ==
          "running; started again 3 times by its restart policy. Its configuration has changed; the new one "
          "counts from its next start");
    s.is_removed = true;
    CHECK(s.text().ends_with("It is gone from the configuration and will be forgotten once it is down"));
    s = {};
    s.status.state = sub_state::exited;
    CHECK(s.text() == "finished well, and counts as active because of remain_after_exit");
}

TEST_CASE("a oneshot says which command it is at", "[explanation]")
{
    situation s;
    s.config.type = service_type::oneshot;
    s.status.state = sub_state::start;
    CHECK(s.text() == "running its command; it counts as started once that has finished");
    s.config.exec_start.resize(3, s.config.exec_start.front());
    s.status.main_index = 1;
    CHECK(s.text() == "running command 2 of 3; it counts as started once that has finished");
}

TEST_CASE("a program that never ran says how to start it", "[explanation]")
{
    situation s;
    CHECK(s.text() == "not started yet. `procctl start web` starts it");
    s.config.autostart = false;
    CHECK(s.text() == "not started: autostart is off. `procctl start web` starts it");
}

TEST_CASE("why a program that ended stays down", "[explanation]")
{
    using enum restart_reason;
    situation s;
    s.config.restart = restart_mode::on_failure;
    SECTION("exit 0 is a clean end")
    {
        s.ended(sub_state::dead, service_result::success, exit_of(0), policy_stays);
        CHECK(s.text() ==
              "exited with status 0, which is a clean end, so `restart: on-failure` does not start it "
              "again. `procctl start web` starts it again");
    }
    SECTION("which matters to no policy that never starts it again")
    {
        s.config.restart = restart_mode::no;
        s.ended(sub_state::dead, service_result::success, exit_of(0), policy_stays);
        CHECK(s.text() ==
              "exited with status 0; with `restart: no` it stays down. `procctl start web` starts it again");
    }
    SECTION("so is SIGTERM, which surprises")
    {
        s.ended(sub_state::dead, service_result::success, kill_by(SIGTERM), policy_stays);
        CHECK(
            s.text() ==
            "was killed by SIGTERM, which is a clean end, so `restart: on-failure` does not start it again. "
            "`procctl start web` starts it again");
    }
    SECTION("success_exit_status makes others clean")
    {
        s.config.success_exit_status.add_code(42);
        s.ended(sub_state::dead, service_result::success, exit_of(42), policy_stays);
        CHECK(s.text().starts_with("exited with status 42, which is a clean end"));
    }
    SECTION("the '-' before a command ignores its failure")
    {
        s.config.exec_start.front().ignore_failure = true;
        s.ended(sub_state::dead, service_result::success, exit_of(1), policy_stays);
        CHECK(s.text().starts_with("exited with status 1, which the '-' before its command ignores"));
    }
    SECTION("a failure that was reset is no clean end")
    {
        s.ended(sub_state::dead, service_result::success, exit_of(1), policy_stays);
        CHECK(s.text().starts_with("exited with status 1; the failure was reset"));
    }
    SECTION("restart_prevent_exit_status")
    {
        s.ended(sub_state::failed, service_result::exit_code, exit_of(3), prevented_by_status);
        CHECK(s.text() ==
              "exited with status 3; restart_prevent_exit_status names this end, so it stays down. `procctl "
              "start web` starts it again");
    }
    SECTION("the policy")
    {
        s.config.restart = restart_mode::no;
        s.ended(sub_state::failed, service_result::signal, kill_by(SIGSEGV), policy_stays);
        CHECK(s.text() ==
              "was killed by SIGSEGV; with `restart: no` it stays down. `procctl start web` starts it again");
    }
    SECTION("a oneshot that has finished is as it should be")
    {
        s.config.type = service_type::oneshot;
        s.config.restart = restart_mode::no;
        s.ended(sub_state::dead, service_result::success, exit_of(0), policy_stays);
        CHECK(s.text() == "finished: exited with status 0");
    }
    SECTION("a oneshot's SIGTERM is a failure")
    {
        s.config.type = service_type::oneshot;
        s.config.restart = restart_mode::no;
        s.ended(sub_state::failed, service_result::signal, kill_by(SIGTERM), policy_stays);
        CHECK(s.text() ==
              "was killed by SIGTERM; with `restart: no` it stays down. `procctl start web` starts it again");
    }
}

TEST_CASE("a command that cannot be executed is named", "[explanation]")
{
    situation s;
    s.config.restart = restart_mode::on_failure;
    s.ended(sub_state::auto_restart, service_result::exit_code, exit_of(203),
            restart_reason::policy_restarts);
    s.status.exec_main_failure = {.exit_status = 203, .errno_value = ENOENT};
    s.status.deadline = s.now.monotonic + 3200ms;
    CHECK(s.text() == "exited with status 203 (EXEC): No such file or directory; restarts in 3.2s");
    s.note = "cannot execute /opt/web: No such file or directory";
    CHECK(s.text() ==
          "exited with status 203 (EXEC): cannot execute /opt/web: No such file or directory; restarts in "
          "3.2s");
}

TEST_CASE("a program without a process says why", "[explanation]")
{
    situation s;
    s.config.restart = restart_mode::no;
    s.ended(sub_state::failed, service_result::resources, {}, restart_reason::policy_stays);
    s.note = "cannot read /etc/default/web: No such file or directory";
    CHECK(s.text() ==
          "no process could be made for it: cannot read /etc/default/web: No such file or directory; "
          "with `restart: no` it stays down. `procctl start web` starts it");
}

TEST_CASE("the start limit says how to go on", "[explanation]")
{
    situation s;
    s.ended(sub_state::failed, service_result::exit_code, exit_of(1), restart_reason::policy_restarts);
    s.status.start_limit_refused = true;
    CHECK(s.text() ==
          "exited with status 1; start limit hit: started 5 times in 10s; it stays down. `procctl "
          "reset-failed web` and `procctl start web` start it again");
    s.ended(sub_state::failed, service_result::start_limit_hit, {}, restart_reason::policy_stays);
    CHECK(s.text().starts_with("start limit hit: started 5 times in 10s"));
}

TEST_CASE("a stop on request is told from a death", "[explanation]")
{
    situation s;
    s.status.stop_requested = true;
    s.ended(sub_state::dead, service_result::success, kill_by(SIGTERM), restart_reason::stop_requested);
    CHECK(s.text() == "stopped on request (was killed by SIGTERM). `procctl start web` starts it again");
    s.config.timeout_stop = 1s;
    s.status.expired = time_limit::stop;
    s.ended(sub_state::failed, service_result::timeout, kill_by(SIGKILL), restart_reason::stop_requested);
    CHECK(s.text() ==
          "stopped on request, but it was killed by SIGKILL after timeout_stop_sec (1s) ran out. `procctl "
          "start web` starts it again");
}

TEST_CASE("a time limit that ran out is named", "[explanation]")
{
    situation s;
    s.config.restart = restart_mode::on_failure;
    s.config.runtime_max = 5s;
    s.config.timeout_start = 6s;
    s.config.timeout_stop = 7s;
    s.ended(sub_state::auto_restart, service_result::timeout, kill_by(SIGTERM),
            restart_reason::policy_restarts);
    s.status.deadline = s.now.monotonic + 100ms;
    const auto says = [&](time_limit limit, const std::string& text) {
        s.status.expired = limit;
        CHECK(s.text() == text + "; restarts in 100ms");
    };
    says(time_limit::runtime, "ran longer than runtime_max_sec (5s) allows and was killed by SIGTERM");
    says(time_limit::start, "did not start within timeout_start_sec (6s) and was killed by SIGTERM");
    says(time_limit::stop,
         "was killed by SIGTERM, but not all of its processes ended within timeout_stop_sec (7s)");
    s.status.exec_main = kill_by(SIGKILL);
    says(time_limit::stop, "was killed by SIGKILL after timeout_stop_sec (7s) ran out");
    s.status.exec_main = {};
    says(time_limit::stop, "did not end within timeout_stop_sec (7s)");
    says(time_limit::start, "did not start within timeout_start_sec (6s)");
    s.config.type = service_type::oneshot;
    says(time_limit::start, "did not start within timeout_start_sec (6s)");
    s.status.exec_main_start = wall_time{10s};
    s.status.exec_main = kill_by(SIGTERM);
    says(time_limit::start, "did not finish within timeout_start_sec (6s) and was killed by SIGTERM");
}

TEST_CASE("what outlived the last signal is spoken of, and what a start would do", "[explanation]")
{
    situation s;
    s.config.send_sigkill = false;
    s.config.timeout_stop = 1s;
    s.ended(sub_state::failed, service_result::timeout, {}, restart_reason::survivors);
    s.status.expired = time_limit::stop;
    s.status.stop_requested = true;
    CHECK(s.text() ==
          "stopped on request, but its processes ignored the signals, and `send_sigkill: no` spares them, so "
          "they were left running and it is not started again by itself. `procctl start web` puts a second "
          "copy beside what still runs");
    s.config.send_sigkill = true;
    s.status.stop_requested = false;
    s.status.exec_main = exit_of(0);
    CHECK(s.text() ==
          "exited with status 0, but not all of its processes ended within timeout_stop_sec (1s); its "
          "processes outlived even SIGKILL, so they were left running and it is not started again by itself. "
          "`procctl start web` puts a second copy beside what still runs");
}

TEST_CASE("waiting for a restart says how long", "[explanation]")
{
    situation s;
    s.ended(sub_state::auto_restart, service_result::exit_code, exit_of(1), restart_reason::policy_restarts);
    const auto left = GENERATE(table<std::chrono::milliseconds, std::string>({{0ms, "0"},
                                                                              {250ms, "250ms"},
                                                                              {3240ms, "3.2s"},
                                                                              {9960ms, "10.0s"},
                                                                              {90s, "1min 30s"},
                                                                              {89'600ms, "1min 30s"}}));
    s.status.deadline = s.now.monotonic + std::get<0>(left);
    CHECK(s.text() == "exited with status 1; restarts in " + std::get<1>(left));
}

TEST_CASE("a restart that is overdue or never due", "[explanation]")
{
    situation s;
    s.ended(sub_state::auto_restart, service_result::exit_code, exit_of(1), restart_reason::forced_by_status);
    s.status.deadline = s.now.monotonic - 1s;
    CHECK(s.text() == "exited with status 1, which restart_force_exit_status names; restarts in 0");
    s.status.deadline = never;
    CHECK(s.text() ==
          "exited with status 1, which restart_force_exit_status names; restart_sec is infinity, so it waits "
          "for `procctl start web`");
}

TEST_CASE("a stop under way says what was sent and what follows", "[explanation]")
{
    situation s;
    s.config.kill_signal = SIGINT;
    s.status.state = sub_state::stop_sigterm;
    s.status.main_pid = 7;
    s.status.stop_requested = true;
    s.status.deadline = s.now.monotonic + 60s;
    CHECK(s.text() == "stopping on request: SIGINT was sent; SIGKILL follows in 1min unless it ends before");
    s.config.send_sigkill = false;
    CHECK(s.text() == "stopping on request: SIGINT was sent; it is given up in 1min unless it ends before");
    s.status.deadline = never;
    s.status.pending = pending_job::restart;
    s.config.restart_kill_signal = SIGUSR1;
    CHECK(s.text() == "restarting: SIGUSR1 was sent");

    s = {};
    s.status.state = sub_state::stop_sigterm;
    s.config.runtime_max = 5s;
    s.status.result = service_result::timeout;
    s.status.expired = time_limit::runtime;
    s.status.main_pid = 7;
    CHECK(s.text() == "stopping because runtime_max_sec (5s) ran out: SIGTERM was sent");
    s.status.result = service_result::success;
    s.status.expired = time_limit::none;
    s.status.main_pid = 0;
    s.status.exec_main = exit_of(0);
    CHECK(s.text() ==
          "cleaning up after its main process exited with status 0: SIGTERM was sent to the processes that "
          "are left");
    s.status.state = sub_state::stop_sigkill;
    s.status.stop_requested = true;
    s.config.timeout_stop = 1s;
    s.status.main_pid = 7;
    s.status.result = service_result::timeout;
    s.status.expired = time_limit::stop;
    CHECK(s.text() ==
          "stopping on request: it did not end within timeout_stop_sec (1s), so SIGKILL was sent");
}
