// What follows an end, and what comes before a start: growing delays, randomized run times, actions of the
// daemon, path conditions; and a hurry in every state.
#include "tests/support/catch.h"
#include "tests/support/instance_under_test.h"

#include <set>

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

namespace {

// Goes through one automatic restart; how long it waited for it.
duration restarts_once(instance_under_test& i)
{
    i.main_ends(exit_1);
    REQUIRE(i.state() == sub_state::auto_restart);
    const duration waited = i.left();
    i.times_out();
    i.begins();
    return waited;
}

instance_under_test restarting()
{
    instance_under_test i;
    i.program.restart = restart_mode::always;
    i.program.start_limit_burst = 0;
    return i;
}

} // namespace

TEST_CASE("the delay grows from restart_sec to restart_max_delay_sec in restart_steps", "[machine][restart]")
{
    program_config p;
    p.restart_sec = 1s;
    p.restart_max_delay = 16s;
    p.restart_steps = 4;
    // systemd 254: r_i = r_0 * (r_n / r_0)^(i / n)
    CHECK(restart_delay(p, 0) == 1s);
    CHECK(restart_delay(p, 1) == 2s);
    CHECK(restart_delay(p, 2) == 4s);
    CHECK(restart_delay(p, 3) == 8s);
    CHECK(restart_delay(p, 4) == 16s);
    CHECK(restart_delay(p, 1'000'000) == 16s);

    SECTION("systemd's own example: 100ms to 1min in 10 steps")
    {
        p.restart_sec = 100ms;
        p.restart_max_delay = 1min;
        p.restart_steps = 10;
        duration before = restart_delay(p, 0);
        CHECK(before == 100ms);
        for (unsigned n = 1; n <= 10; ++n) {
            const duration delay = restart_delay(p, n);
            CHECK(delay > before);
            before = delay;
        }
        CHECK(before == 1min);
    }
    SECTION("what makes it not grow")
    {
        const int what = GENERATE(0, 1, 2, 3);
        if (what == 0) p.restart_steps = 0;
        if (what == 1) p.restart_max_delay = infinity;
        if (what == 2) p.restart_max_delay = 1s;
        if (what == 3) p.restart_sec = 0s;
        for (unsigned n = 0; n < 6; ++n)
            CHECK(restart_delay(p, n) == p.restart_sec);
    }
}

TEST_CASE("the first automatic restart waits restart_sec, later ones longer", "[machine][restart]")
{
    instance_under_test i = restarting();
    i.program.restart_sec = 1s;
    i.program.restart_max_delay = 16s;
    i.program.restart_steps = 4;
    i.is_started();
    for (const duration expected : {1s, 2s, 4s, 8s, 16s, 16s})
        CHECK(restarts_once(i) == expected);
    SECTION("a restart on request begins anew")
    {
        i.happens(restart_requested{});
        i.main_ends(exit_0);
        i.begins();
        CHECK(restarts_once(i) == 1s);
    }
    SECTION("and so does reset-failed")
    {
        i.happens(reset_failed_requested{});
        CHECK(restarts_once(i) == 1s);
    }
    SECTION("and having been up for restart_reset_sec")
    {
        i.program.restart_reset = 10min;
        i.goes_on(10min - 1us);
        CHECK(restarts_once(i) == 16s);
        i.goes_on(10min);
        CHECK(restarts_once(i) == 1s);
        CHECK(restarts_once(i) == 2s);
        CHECK(i.status.n_restarts == 9); // which is only counted
    }
}

TEST_CASE("runtime_randomized_extra_sec adds the same to the same run, and never more", "[machine][runtime]")
{
    instance_under_test i = restarting();
    i.program.runtime_max = 1h;
    i.program.runtime_randomized_extra = 10min;
    std::set<duration> drawn;
    for (int n = 0; n < 50; ++n) {
        i.is_started();
        const duration total = i.left();
        CHECK(total >= 1h);
        CHECK(total <= 1h + 10min);
        drawn.insert(total);
        i.says({.state = notify_state::unknown});
        instance_under_test same = i;
        same.happens(restart_requested{});
        CHECK(i.left() == total);
        i.happens(stop_requested{});
        i.main_ends(exit_0);
    }
    CHECK(drawn.size() > 40);
    SECTION("without runtime_max_sec there is nothing to add to")
    {
        i.program.runtime_max = infinity;
        i.is_started();
        CHECK(next_deadline(i.status) == never);
    }
}

TEST_CASE("runtime_max_sec counts from when it is up, and is one time even after a reload",
          "[machine][runtime]")
{
    instance_under_test i(service_type::notify);
    i.program.runtime_max = 1h;
    i.program.runtime_randomized_extra = 10min;
    i.is_started();
    i.goes_on(30s);
    i.is_ready();
    const time_point end = i.status.deadline;
    CHECK(end >= i.now.monotonic + 1h);
    i.goes_on(5min);
    i.says({.state = notify_state::reloading, .has_reloading = true});
    i.is_ready();
    CHECK(i.status.deadline == end);
}

TEST_CASE("success_action and failure_action end the daemon when nothing follows by itself",
          "[machine][action]")
{
    instance_under_test i;
    i.program.success_action = i.program.failure_action = emergency_action::exit;
    SECTION("with the status of the main process")
    {
        const auto [end, expected] = GENERATE(table<process_end, std::string>({
            {exit_0, "exit_daemon 0"},
            {{exit_code_kind::exited, 3}, "exit_daemon 3"},
            {by_sigkill, "exit_daemon 255"},
            {by_sigterm, "exit_daemon 255"}, // a clean end, but no exit status
        }));
        i.is_started();
        i.main_ends(end);
        CHECK(i.orders.back() == expected);
    }
    SECTION("or with the configured one")
    {
        i.program.success_action_exit_status = 7;
        i.program.failure_action_exit_status = 8;
        const bool fails = GENERATE(false, true);
        i.is_started();
        i.main_ends(fails ? exit_1 : exit_0);
        CHECK(i.orders.back() == (fails ? "exit_daemon 8" : "exit_daemon 7"));
    }
    SECTION("also after a stop, and of what never ran")
    {
        i.is_started();
        i.happens(stop_requested{});
        i.main_ends(exit_0);
        CHECK(i.orders.back() == "exit_daemon 0");
        i.happens(start_requested{});
        i.cannot_begin();
        CHECK(i.orders.back() == "exit_daemon 255");
    }
    SECTION("not before an automatic restart, nor for a restart on request")
    {
        i.program.restart = restart_mode::always;
        i.is_started();
        i.main_ends(exit_1);
        CHECK(i.orders == lines{"announce_state failed", "announce_state auto-restart"});
        i.times_out();
        i.begins();
        i.happens(restart_requested{});
        i.main_ends(exit_0);
        CHECK(i.orders == lines{"announce_state dead", "start_process exec_start"});
    }
    SECTION("a skipped start is a success")
    {
        i.program.failure_action = emergency_action::none;
        i.program.exec_condition = commands({"/bin/condition"});
        i.is_started();
        i.control_ends(exit_1);
        CHECK(i.orders.back().starts_with("exit_daemon "));
    }
}

TEST_CASE("start_limit_action ends the daemon when a start is refused", "[machine][action]")
{
    instance_under_test i;
    i.program.start_limit_burst = 1;
    i.program.start_limit_action = emergency_action::exit;
    i.program.failure_action_exit_status = 9;
    i.is_started();
    i.main_ends(exit_0);
    CHECK(i.state() == sub_state::dead);
    i.happens(start_requested{});
    CHECK(i.orders == lines{"announce_state failed", "finish_job start start-limit-hit", "exit_daemon 9"});
    CHECK(i.status.result == service_result::start_limit_hit);
}

TEST_CASE("others are triggered at the end of it all", "[machine][trigger]")
{
    instance_under_test i;
    i.program.on_failure = {"mailer"};
    i.program.on_success = {"cleaner"};
    i.program.start_limit_burst = 2;
    const auto triggered = [&] {
        const auto found = std::ranges::find_if(
            i.orders, [](const std::string& o) { return o.starts_with("trigger_others"); });
        return found == i.orders.end() ? "nobody" : found->substr(std::string("trigger_others ").size());
    };
    SECTION("a good end, a bad one")
    {
        i.is_started();
        i.main_ends(exit_0);
        CHECK(triggered() == "on_success");
        i.is_started();
        i.main_ends(exit_1);
        CHECK(triggered() == "on_failure");
        const auto& order = std::get<trigger_others>(*std::ranges::find_if(
            i.actions, [](const action& a) { return std::holds_alternative<trigger_others>(a); }));
        CHECK(order.end.result == service_result::exit_code);
        CHECK(order.end.exec_main == exit_1);
        CHECK(order.end.invocation == i.status.invocation);
        i.happens(reset_failed_requested{}); // failed to dead is no end
        CHECK(triggered() == "nobody");
    }
    SECTION("a start that is skipped counts as success, one that failed before its program as failure")
    {
        i.program.exec_condition = commands({"/bin/condition"});
        const bool is_skip = GENERATE(false, true);
        i.is_started();
        i.control_ends(is_skip ? exit_1 : exit_255);
        CHECK(triggered() == (is_skip ? "on_success" : "on_failure"));
    }
    SECTION("not before an automatic restart, nor at one; a stop in between is a good end, as in systemd")
    {
        i.program.restart = restart_mode::always;
        i.is_started();
        i.main_ends(exit_1);
        CHECK(triggered() == "nobody");
        i.times_out();
        CHECK(triggered() == "nobody");
        i.begins();
        i.main_ends(exit_1);
        SECTION("stop")
        {
            i.happens(stop_requested{});
            CHECK(triggered() == "on_success");
        }
        SECTION("the limit refuses the restart")
        {
            i.times_out();
            CHECK(i.state() == sub_state::failed);
            CHECK(triggered() == "on_failure");
            i.happens(start_requested{}); // refused again: it has failed already
            CHECK(i.has_ordered("finish_job start start-limit-hit"));
            CHECK(triggered() == "nobody");
        }
    }
    SECTION("at a restart on request, by how the first half ends")
    {
        const bool fails = GENERATE(false, true);
        i.is_started();
        i.happens(restart_requested{});
        i.main_ends(fails ? exit_1 : by_sigterm);
        CHECK(triggered() == (fails ? "on_failure" : "on_success"));
        CHECK(i.orders.back() == "start_process exec_start");
    }
}

TEST_CASE("path conditions are looked at before a start, the state stays meanwhile", "[machine][condition]")
{
    instance_under_test i;
    i.program.restart = restart_mode::always;
    if (GENERATE(false, true))
        i.program.condition_path_exists = {{"/run/x"}};
    else
        i.program.assert_path_exists = {{"/run/x"}};
    const auto checked = [&](bool condition, bool assert) {
        i.happens(conditions_checked{i.status.check_serial, condition, assert});
    };
    i.happens(start_requested{});
    CHECK(i.orders == lines{"check_conditions"});
    CHECK(i.state() == sub_state::dead);
    CHECK_FALSE(is_down(i.status));
    SECTION("they hold")
    {
        checked(true, true);
        CHECK(i.orders == lines{"start_process exec_start"});
        CHECK(i.status.start_limit.starts == 1);
    }
    SECTION("a condition does not: skipped, and nothing is held against it")
    {
        checked(false, GENERATE(false, true));
        CHECK(i.orders == lines{"finish_job start done"});
        CHECK(is_down(i.status));
        CHECK(i.state() == sub_state::dead);
        CHECK(i.status.condition_failed);
        CHECK(i.status.result == service_result::success);
        CHECK(i.status.start_limit.starts == 0);
        CHECK(i.status.invocation == invocation_id{});
    }
    SECTION("an assertion does not: refused")
    {
        checked(true, false);
        CHECK(i.orders == lines{"finish_job start assert-failed"});
        CHECK(is_down(i.status));
    }
    SECTION("asked again: one look serves both")
    {
        i.happens(start_requested{});
        i.happens(restart_requested{});
        CHECK_FALSE(i.has_ordered("check_conditions"));
        checked(true, true);
        i.begins();
        CHECK(i.has_ordered("finish_job start done"));
        CHECK(i.has_ordered("finish_job restart done"));
    }
    SECTION("stopped meanwhile: the answer comes too late")
    {
        const std::uint64_t serial = i.status.check_serial;
        i.happens(stop_requested{});
        CHECK(i.orders == lines{"finish_job start canceled", "finish_job stop done"});
        const instance_status before = i.status;
        i.happens(conditions_checked{serial, true, true});
        CHECK(i.orders.empty());
        CHECK(i.status == before);
        i.happens(start_requested{}); // a look of its own
        CHECK(i.status.check_serial != serial);
        i.happens(conditions_checked{serial, true, true});
        CHECK(i.orders.empty());
    }
    SECTION("a hurry ends it as well")
    {
        i.happens(hurry_requested{});
        CHECK(is_down(i.status));
    }
    SECTION("before an automatic restart: a skip leaves it inactive, with the old result")
    {
        checked(true, true);
        i.begins();
        i.main_ends(exit_1);
        REQUIRE(i.state() == sub_state::auto_restart);
        i.times_out();
        CHECK(i.orders == lines{"announce_state dead", "check_conditions"});
        checked(false, true);
        CHECK(i.state() == sub_state::dead);
        CHECK(is_down(i.status));
        CHECK(i.status.result == service_result::exit_code);
        CHECK(next_deadline(i.status) == never);
    }
    SECTION("in a restart: the stop has been done, then it is skipped")
    {
        checked(true, true);
        i.begins();
        i.happens(restart_requested{});
        i.main_ends(by_sigterm);
        CHECK(i.orders.back() == "check_conditions");
        checked(false, true);
        CHECK(i.orders == lines{"finish_job restart done"});
        CHECK(i.state() == sub_state::dead);
    }
}

TEST_CASE("a hurry in every state: nothing waits any longer than SIGKILL takes", "[machine][hurry]")
{
    using enum sub_state;
    instance_under_test i(service_type::notify_reload);
    i.program.restart = restart_mode::always;
    i.program.exec_condition = commands({"/bin/condition"});
    i.program.exec_start_pre = commands({"/bin/pre"});
    i.program.exec_start_post = commands({"/bin/post"});
    i.program.exec_reload = commands({"/bin/reload"});
    i.program.exec_stop = commands({"/bin/stop"});
    i.program.exec_stop_post = commands({"/bin/clean"});
    i.program.timeout_start_failure = i.program.timeout_stop_failure = timeout_failure_mode::abort;
    i.program.send_sigkill = GENERATE(false, true);
    const auto target = GENERATE(condition, start_pre, start, start_post, running, reload, reload_signal,
                                 reload_notify, stop, stop_watchdog, stop_sigterm, stop_sigkill, stop_post,
                                 final_watchdog, final_sigkill, auto_restart);
    if (target == stop_sigkill || target == final_sigkill) i.program.send_sigkill = true;
    if (target == reload_signal || target == reload_notify) i.program.exec_reload.clear();
    CAPTURE(to_text(target), i.program.send_sigkill);

    i.is_started();
    const auto is_there = [&] { return i.state() == target && i.ordered() == 0; };
    // The way up.
    for (int n = 0; n < 3 && !is_there() && i.state() < start_post; ++n) {
        if (i.status.control_pid != 0)
            i.control_ends(exit_0);
        else
            i.is_ready();
        i.begins();
    }
    if (!is_there() && target > start_post) {
        i.control_ends(exit_0);
        REQUIRE(i.state() == running);
        if (target == reload || target == reload_signal || target == reload_notify) {
            i.happens(reload_requested{});
            if (target == reload) i.begins();
            if (target == reload_notify)
                i.says({.state = notify_state::reloading,
                        .has_reloading = true,
                        .monotonic_usec = i.now.monotonic});
        } else if (target == auto_restart) {
            i.main_ends(exit_1);
            i.runs_command(exit_0);
        } else if (target != running) {
            i.happens(stop_requested{});
            i.begins();
            if (target == stop_sigterm) i.control_ends(exit_0);
        }
    }
    // And down again.
    for (int n = 0; n < 9 && !is_there() && target >= stop; ++n) {
        i.times_out();
        if (i.ordered() != 0) i.begins();
    }
    REQUIRE(is_there());

    i.happens(hurry_requested{});
    if (target == auto_restart) {
        CHECK(i.state() == dead);
        return;
    }
    CHECK(std::ranges::count(i.orders, "send_signal SIGKILL all") == 1);
    CHECK((i.state() == stop_sigkill || i.state() == final_sigkill));
    if (i.status.control_pid != 0) i.control_ends(by_sigkill);
    if (i.status.main_pid != 0) i.main_ends(by_sigkill);
    if (i.ordered() != 0) i.runs_command(exit_0); // exec_stop_post is run all the same
    CHECK(is_down(i.status));
    CHECK_FALSE(i.status.stop_job);
}
