// Reloading: by exec_reload, by reload_signal as systemd 253 has it, by the program's own RELOADING=1.
#include "tests/support/catch.h"
#include "tests/support/instance_under_test.h"

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

namespace {

struct reloadable : instance_under_test {
    explicit reloadable(service_type type) : instance_under_test(type)
    {
        program.notify = notify_access::all;
        program.timeout_start = 60s;
    }
    void is_running()
    {
        is_started();
        if (is_notify(program.type)) is_ready();
        REQUIRE(state() == sub_state::running);
    }
    // RELOADING=1 with the time at which the program began to reload.
    void says_reloading(time_point began)
    {
        says({.state = notify_state::reloading, .has_reloading = true, .monotonic_usec = began});
    }
};

struct with_commands : reloadable {
    explicit with_commands(service_type type = service_type::simple) : reloadable(type)
    {
        program.exec_reload = commands({"/bin/reload", "/bin/again"});
    }
};

struct by_signal : reloadable {
    by_signal() : reloadable(service_type::notify_reload) {}
};

} // namespace

TEST_CASE("exec_reload: one command after the other, the program runs on", "[machine][reload]")
{
    with_commands i;
    i.is_running();
    i.happens(reload_requested{});
    CHECK(i.orders == lines{"start_process exec_reload"});
    CHECK(i.left() == 60s);
    i.begins();
    CHECK(i.orders == lines{"announce_state reload"});
    SECTION("both well")
    {
        i.control_ends(exit_0);
        CHECK(i.orders == lines{"start_process exec_reload 1"});
        i.runs_command(exit_0);
        CHECK(i.orders == lines{"announce_state running", "finish_job reload done"});
    }
    SECTION("one fails: the rest is not run, and the program is none the worse for it")
    {
        if (GENERATE(false, true)) {
            i.control_ends(exit_0);
            i.begins();
        }
        i.control_ends(GENERATE(exit_1, by_sigterm));
        CHECK(i.orders == lines{"finish_job reload failed", "announce_state running"});
        CHECK(i.status.result == service_result::success);
        CHECK(i.status.reload_result != service_result::success);
        CHECK_FALSE(i.status.culprit);
    }
    SECTION("it takes too long: SIGKILL, at once")
    {
        i.times_out();
        CHECK(i.orders ==
              lines{"send_signal SIGKILL control", "finish_job reload failed", "announce_state running"});
        CHECK(i.status.reload_result == service_result::timeout);
        CHECK(i.status.result == service_result::success);
        CHECK(i.status.expired == time_limit::none);
    }
    SECTION("'-' before it")
    {
        i.program.exec_reload[0].ignore_failure = true;
        i.control_ends(exit_1);
        CHECK(i.orders == lines{"start_process exec_reload 1"});
    }
    SECTION("the main process ends meanwhile: the command is waited for")
    {
        i.main_ends(exit_1);
        CHECK(i.state() == sub_state::reload);
        CHECK(i.status.result == service_result::exit_code);
        i.control_ends(exit_0);
        i.runs_command(exit_0);
        CHECK(i.state() == sub_state::failed);
        CHECK_FALSE(i.status.reload_job); // answered with its end
    }
    SECTION("a stop kills both, and is not held up by either")
    {
        i.happens(stop_requested{});
        CHECK(i.orders == lines{"finish_job reload canceled", "send_signal SIGTERM all",
                                "send_signal SIGCONT all", "announce_state stop-sigterm"});
        i.main_ends(by_sigterm);
        CHECK(i.state() == sub_state::stop_sigterm);
        i.control_ends(exit_0);
        CHECK(i.state() == sub_state::dead);
    }
    SECTION("start and watchdog go on")
    {
        i.happens(start_requested{});
        CHECK(i.orders == lines{"finish_job start done"});
        i.says({.watchdog = watchdog_request::trigger});
        CHECK(i.state() == sub_state::stop_watchdog);
    }
}

TEST_CASE("a reload command that cannot be made", "[machine][reload]")
{
    with_commands i;
    i.is_running();
    i.happens(reload_requested{});
    i.cannot_begin();
    CHECK(i.state() == sub_state::running);
    CHECK(i.status.reload_result == service_result::resources);
    CHECK(i.status.result == service_result::success);
    CHECK(i.has_ordered("finish_job reload failed"));
}

TEST_CASE("what remains after its exit can be reloaded", "[machine][reload]")
{
    with_commands i;
    i.program.remain_after_exit = true;
    i.is_running();
    i.main_ends(exit_0);
    REQUIRE(i.state() == sub_state::exited);
    i.happens(reload_requested{});
    i.runs_command(exit_0);
    i.runs_command(exit_0);
    CHECK(i.state() == sub_state::exited);
    CHECK(i.has_ordered("finish_job reload done"));
}

TEST_CASE("a reload requested during a reload follows it: what is read may be older than the request",
          "[machine][reload]")
{
    with_commands i;
    i.is_running();
    i.happens(reload_requested{});
    i.begins();
    i.happens(reload_requested{});
    i.happens(reload_requested{}); // shares the second one
    CHECK(i.orders.empty());
    const bool first_fails = GENERATE(false, true);
    i.control_ends(first_fails ? exit_1 : exit_0);
    if (!first_fails) i.runs_command(exit_0);
    CHECK(i.orders == lines{"announce_state running", "start_process exec_reload"});
    i.runs_command(exit_0);
    i.runs_command(exit_0);
    CHECK(i.orders == lines{"announce_state running", "finish_job reload done"});
}

TEST_CASE("a reload of what is not active, or cannot reload", "[machine][reload]")
{
    SECTION("cannot")
    {
        reloadable i(service_type::simple);
        if (GENERATE(false, true)) i.is_running();
        i.happens(reload_requested{});
        CHECK(i.orders == lines{"finish_job reload unsupported"});
    }
    with_commands i;
    SECTION("dead, failed, waiting for its restart, or stopping")
    {
        const int what = GENERATE(0, 1, 2, 3);
        if (what == 2) i.program.restart = restart_mode::always;
        if (what > 0) i.is_running();
        if (what == 1 || what == 2) i.main_ends(exit_1);
        if (what == 3) i.happens(stop_requested{});
        const instance_status before = i.status;
        i.happens(reload_requested{});
        CHECK(i.orders == lines{"finish_job reload invalid"});
        CHECK(i.status == before);
    }
    SECTION("starting: done with the start, whose program reads it all anyway")
    {
        i.program.exec_start_pre = commands({"/bin/pre"});
        i.is_started();
        i.happens(reload_requested{});
        CHECK(i.orders.empty());
        SECTION("well")
        {
            i.control_ends(exit_0);
            i.begins();
            CHECK(i.has_ordered("finish_job start done"));
            CHECK(i.has_ordered("finish_job reload done"));
        }
        SECTION("badly")
        {
            i.control_ends(exit_1);
            CHECK(i.has_ordered("finish_job start failed"));
            CHECK(i.has_ordered("finish_job reload failed"));
        }
        SECTION("never")
        {
            i.happens(stop_requested{});
            CHECK(i.has_ordered("finish_job reload canceled"));
        }
        CHECK_FALSE(i.status.reload_job);
    }
}

TEST_CASE("notify-reload: the signal, RELOADING=1, READY=1", "[machine][reload]")
{
    by_signal i;
    i.program.reload_signal = SIGUSR1;
    i.is_running();
    i.happens(reload_requested{});
    CHECK(i.orders ==
          lines{"send_signal SIGUSR1 main", "send_signal SIGCONT main", "announce_state reload-signal"});
    CHECK(i.left() == 60s);
    SECTION("one after the other, within one limit")
    {
        i.goes_on(10s);
        i.says_reloading(i.now.monotonic);
        CHECK(i.orders == lines{"announce_state reload-notify"});
        CHECK(i.left() == 50s);
        i.is_ready();
        CHECK(i.orders == lines{"announce_state running", "finish_job reload done"});
        CHECK(i.status.reload_result == service_result::success);
        CHECK(next_deadline(i.status) == never);
    }
    SECTION("both in one message")
    {
        i.says({.state = notify_state::ready, .has_reloading = true, .monotonic_usec = i.now.monotonic});
        CHECK(i.orders == lines{"announce_state running", "finish_job reload done"});
    }
    SECTION("READY=1 alone is no answer")
    {
        i.is_ready();
        CHECK(i.orders.empty());
        CHECK(i.state() == sub_state::reload_signal);
    }
    SECTION("RELOADING=1 from before the request, or without a time, is no answer")
    {
        if (GENERATE(false, true))
            i.says_reloading(i.now.monotonic - 1us);
        else
            i.says({.state = notify_state::reloading, .has_reloading = true});
        CHECK(i.state() == sub_state::reload_signal);
        i.is_ready();
        CHECK(i.state() == sub_state::reload_signal);
        i.says_reloading(i.now.monotonic);
        CHECK(i.state() == sub_state::reload_notify);
    }
    SECTION("no answer in time, at either point: the program runs on")
    {
        if (GENERATE(false, true)) i.says_reloading(i.now.monotonic);
        i.times_out();
        CHECK(i.orders == lines{"finish_job reload failed", "announce_state running"});
        CHECK(i.status.reload_result == service_result::timeout);
        CHECK(i.status.result == service_result::success);
        i.is_ready(); // late
        CHECK(i.state() == sub_state::running);
    }
    SECTION("requested again while it reloads: a second signal follows")
    {
        i.happens(reload_requested{});
        i.says_reloading(i.now.monotonic);
        i.is_ready();
        CHECK(i.orders == lines{"announce_state running", "send_signal SIGUSR1 main",
                                "send_signal SIGCONT main", "announce_state reload-signal"});
        i.says_reloading(i.now.monotonic);
        i.is_ready();
        CHECK(i.orders == lines{"announce_state running", "finish_job reload done"});
    }
    SECTION("STOPPING=1 at either point")
    {
        if (GENERATE(false, true)) i.says_reloading(i.now.monotonic);
        i.says({.state = notify_state::stopping});
        CHECK(i.state() == sub_state::stop_sigterm);
        i.main_ends(exit_0);
        CHECK(i.state() == sub_state::dead);
        CHECK_FALSE(i.status.reload_job);
    }
    SECTION("the main process ends")
    {
        i.main_ends(exit_1);
        CHECK(i.state() == sub_state::failed);
        CHECK(i.has_ordered("finish_job reload failed"));
    }
    SECTION("restart: that is as good as a reload")
    {
        i.happens(restart_requested{});
        CHECK(i.state() == sub_state::stop_sigterm);
        i.main_ends(exit_0);
        i.begins();
        i.is_ready();
        CHECK(i.has_ordered("finish_job restart done"));
        CHECK(i.has_ordered("finish_job reload done"));
    }
    SECTION("stop: canceled, however often it was requested")
    {
        if (GENERATE(false, true)) i.happens(reload_requested{});
        i.happens(stop_requested{});
        CHECK(i.orders[0] == "finish_job reload canceled");
        CHECK_FALSE(i.status.reload_job);
    }
}

TEST_CASE("notify-reload with exec_reload: the signal first, then the commands", "[machine][reload]")
{
    by_signal i;
    i.program.exec_reload = commands({"/bin/reload"});
    i.is_running();
    i.happens(reload_requested{});
    CHECK(i.orders ==
          lines{"send_signal SIGHUP main", "send_signal SIGCONT main", "start_process exec_reload"});
    i.begins();
    // As systemd 253: what the program has said by the end of the commands counts.
    SECTION("no word from the program: the commands have done it")
    {
        i.control_ends(exit_0);
        CHECK(i.orders == lines{"announce_state running", "finish_job reload done"});
    }
    SECTION("it reloads yet")
    {
        i.says_reloading(i.now.monotonic);
        i.control_ends(exit_0);
        CHECK(i.orders == lines{"announce_state reload-notify"});
        i.is_ready();
        CHECK(i.state() == sub_state::running);
        CHECK(i.has_ordered("finish_job reload done"));
    }
    SECTION("it has answered while the command ran")
    {
        i.says_reloading(i.now.monotonic);
        i.is_ready();
        CHECK(i.state() == sub_state::reload); // the command goes on
        i.control_ends(exit_0);
        CHECK(i.orders == lines{"announce_state running", "finish_job reload done"});
    }
    SECTION("the main process has ended when the command is over: nobody is left to answer")
    {
        i.main_ends(exit_0);
        i.control_ends(exit_0);
        CHECK(i.state() == sub_state::dead);
        CHECK_FALSE(i.status.reload_job);
    }
}

TEST_CASE("a reload of the program's own accord has no limit and ends with READY=1", "[machine][reload]")
{
    reloadable i(GENERATE(service_type::simple, service_type::notify, service_type::notify_reload));
    i.program.runtime_max = 1h;
    i.is_running();
    i.says({.state = notify_state::reloading, .has_reloading = true});
    CHECK(i.orders == lines{"announce_state reload"});
    CHECK(next_deadline(i.status) == never);
    i.is_ready();
    CHECK(i.orders == lines{"announce_state running"});
    CHECK(i.left() == 1h); // runtime_max_sec goes on from where it was
}

TEST_CASE("runtime_max_sec that runs out during a reload counts when it is over", "[machine][reload]")
{
    with_commands i;
    i.program.runtime_max = 10s;
    i.is_running();
    i.goes_on(5s);
    i.happens(reload_requested{});
    i.begins();
    i.wait(20s);
    CHECK(i.state() == sub_state::reload);
    i.control_ends(exit_1);
    CHECK(i.has_ordered("finish_job reload failed"));
    i.happens(time_passed{});
    CHECK(i.state() == sub_state::stop_sigterm);
    CHECK(i.status.result == service_result::timeout);
}

TEST_CASE("reload while the program reloads by itself: its own comes after", "[machine][reload]")
{
    with_commands i;
    i.is_running();
    i.says({.state = notify_state::reloading, .has_reloading = true});
    i.happens(reload_requested{});
    CHECK(i.orders.empty());
    i.is_ready();
    CHECK(i.orders == lines{"announce_state running", "start_process exec_reload"});
}

TEST_CASE("nobody is left to end a reload", "[machine][reload]")
{
    reloadable i(service_type::simple);
    i.program.exit = exit_type::cgroup;
    i.is_running();
    i.says({.state = notify_state::reloading, .has_reloading = true});
    i.main_ends(exit_0, true);
    CHECK(i.state() == sub_state::reload);
    i.happens(processes_gone{});
    CHECK(i.state() == sub_state::dead);
}
