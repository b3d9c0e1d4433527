// sd_notify: who is listened to, READY, STOPPING, MAINPID, the watchdog, extended time limits, descriptors.
#include "tests/support/catch.h"
#include "tests/support/instance_under_test.h"

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

namespace {

const notify_message ready{.state = notify_state::ready};
const notify_message stopping{.state = notify_state::stopping};
const notify_message ping{.watchdog = watchdog_request::ping};
const notify_message trigger{.watchdog = watchdog_request::trigger};

enum class sender { main, control, member, stranger };

} // namespace

TEST_CASE("notify_access says who is listened to", "[machine][notify]")
{
    using enum notify_access;
    const auto [access, admitted] = GENERATE(table<notify_access, std::vector<sender>>({
        {none, {}},
        {main, {sender::main}},
        {exec, {sender::main, sender::control}},
        {all, {sender::main, sender::control, sender::member}},
    }));
    const auto from = GENERATE(sender::main, sender::control, sender::member, sender::stranger);
    instance_under_test i;
    i.program.notify = access;
    i.program.exec_start_post = commands({"/bin/post"});
    i.is_started();
    i.begins();
    REQUIRE(i.state() == sub_state::start_post);
    const int pid = from == sender::main      ? i.status.main_pid
                    : from == sender::control ? i.status.control_pid
                                              : 7;
    const bool is_privileged = GENERATE(false, true); // root is no exception
    i.tells(pid, {.status = "here I am"}, from != sender::stranger, is_privileged);
    const bool is_admitted = std::ranges::find(admitted, from) != admitted.end();
    CHECK(i.status.status_text == (is_admitted ? "here I am" : ""));
    CHECK(i.status.ignored_notifications == (is_admitted ? 0 : 1));
    i.happens(notification_ignored{});
    CHECK(i.status.ignored_notifications == (is_admitted ? 1 : 2));
}

TEST_CASE("where notifying is of use, none means main", "[machine][notify]")
{
    instance_under_test i(GENERATE(service_type::simple, service_type::notify, service_type::notify_reload));
    const bool has_watchdog = GENERATE(false, true);
    if (has_watchdog) i.program.watchdog = 1s;
    i.is_started();
    i.says({.status = "here"});
    const bool is_admitted = has_watchdog || is_notify(i.program.type);
    CHECK(i.status.status_text == (is_admitted ? "here" : ""));
}

TEST_CASE("a notify program is up at READY=1", "[machine][notify]")
{
    instance_under_test i(GENERATE(service_type::notify, service_type::notify_reload));
    i.is_started();
    CHECK(i.state() == sub_state::start);
    SECTION("READY=1, and once more")
    {
        i.is_ready();
        CHECK(i.orders == lines{"announce_state running", "finish_job start done"});
        i.is_ready();
        CHECK(i.orders.empty());
        CHECK(i.state() == sub_state::running);
    }
    SECTION("exec_start_post follows it")
    {
        i.program.exec_start_post = commands({"/bin/post"});
        i.is_ready();
        CHECK(i.orders == lines{"start_process exec_start_post"});
    }
    SECTION("a good end before it is a breach of the protocol, a bad one what it is")
    {
        const auto [end, result] = GENERATE(table<process_end, service_result>({
            {exit_0, service_result::protocol},
            {by_sigterm, service_result::protocol},
            {exit_1, service_result::exit_code},
            {by_sigkill, service_result::signal},
        }));
        i.main_ends(end);
        CHECK(i.state() == sub_state::failed);
        CHECK(i.status.result == result);
    }
    SECTION("READY=1 before the process is known to have begun does not happen: nobody is admitted")
    {
        i.main_ends(exit_1);
        i.happens(start_requested{});
        i.tells(0, ready, false);
        CHECK(i.state() == sub_state::start);
        CHECK(i.status.ignored_notifications == 1);
    }
    SECTION("RELOADING=1 or STOPPING=1 before it change nothing, but count from READY=1 on")
    {
        const bool stops = GENERATE(false, true);
        i.says({.state = stops ? notify_state::stopping : notify_state::reloading});
        CHECK(i.state() == sub_state::start);
        CHECK(i.orders.empty());
        i.is_ready(); // the last word is READY
        CHECK(i.state() == sub_state::running);
    }
}

TEST_CASE("another process may say READY=1 when the main one is gone, where it is admitted",
          "[machine][notify]")
{
    instance_under_test i(service_type::notify);
    i.program.remain_after_exit = true;
    i.program.notify = notify_access::all;
    i.is_started();
    SECTION("others live")
    {
        i.main_ends(exit_0, true);
        REQUIRE(i.state() == sub_state::start);
        SECTION("and one of them says so")
        {
            i.tells(7, ready, true);
            CHECK(active_state_of(i.state()) == active_state::active);
        }
        SECTION("and end")
        {
            i.happens(processes_gone{});
            CHECK(i.state() == sub_state::failed);
            CHECK(i.status.result == service_result::protocol);
        }
    }
    SECTION("nobody lives")
    {
        i.main_ends(exit_0);
        CHECK(i.status.result == service_result::protocol);
        CHECK(i.state() == sub_state::failed);
    }
}

TEST_CASE("STOPPING=1: the stop begins without a signal", "[machine][notify]")
{
    instance_under_test i;
    i.program.restart = restart_mode::always;
    i.program.notify = notify_access::main;
    i.program.watchdog = 10s;
    i.program.timeout_stop = 30s;
    i.is_started();
    REQUIRE(i.status.watchdog_deadline != never);
    i.says(stopping);
    CHECK(i.orders == lines{"announce_state stop-sigterm"});
    CHECK(i.left() == 30s);
    CHECK(i.status.watchdog_deadline == never);
    SECTION("then the policy decides as usual")
    {
        i.main_ends(exit_0);
        CHECK(i.state() == sub_state::auto_restart);
    }
    SECTION("in time, or it is killed")
    {
        i.times_out();
        CHECK(i.state() == sub_state::stop_sigkill);
        CHECK(i.status.result == service_result::timeout);
    }
    SECTION("a ping turns the watchdog on again")
    {
        i.says(ping);
        CHECK(i.left() == 10s);
        i.times_out();
        CHECK(i.state() == sub_state::stop_watchdog);
        CHECK(i.status.result == service_result::watchdog);
    }
    SECTION("and so does the trigger, at once")
    {
        i.says(trigger);
        CHECK(i.state() == sub_state::stop_watchdog);
        CHECK(i.orders[0] == "send_signal SIGABRT all");
    }
}

TEST_CASE("MAINPID= names another main process at once", "[machine][notify]")
{
    instance_under_test i(service_type::notify);
    i.is_started();
    const int first = i.status.main_pid;
    const std::uint64_t first_serial = i.status.main_serial;
    const found_process child{777, true, true, nullptr};
    i.tells(first, {.main_pid = 777}, true, false, child);
    CHECK(i.orders == lines{"watch_main"});
    CHECK(i.status.main_pid == 777);
    i.tells(first, ready, true); // the former one is not listened to any more
    CHECK(i.state() == sub_state::start);
    i.is_ready();
    CHECK(i.state() == sub_state::running);
    i.happens(process_exited{first_serial, exit_1, true}); // and its end is of no interest
    CHECK(i.state() == sub_state::running);
    i.main_ends(exit_1);
    CHECK(i.state() == sub_state::failed);
}

TEST_CASE("MAINPID= with READY=1 in one message: both count", "[machine][notify]")
{
    instance_under_test i(service_type::notify);
    i.is_started();
    i.tells(i.status.main_pid, {.state = notify_state::ready, .main_pid = 777}, true, false,
            found_process{777, true, true, nullptr});
    CHECK(i.orders == lines{"watch_main", "announce_state running", "finish_job start done"});
}

TEST_CASE("MAINPID= is refused where it makes no sense", "[machine][notify]")
{
    instance_under_test i;
    i.program.notify = notify_access::all;
    i.program.exec_start_post = commands({"/bin/post"});
    i.is_started();
    i.begins();
    const int main = i.status.main_pid;
    struct attempt {
        std::optional<found_process> found;
        bool is_privileged;
        bool is_accepted;
    };
    const auto a = GENERATE_COPY(values<attempt>({
        {std::nullopt, true, false},                               // dead, or nobody's
        {found_process{101, true, true, nullptr}, true, false},    // the control process
        {found_process{777, false, false, nullptr}, false, false}, // a stranger
        {found_process{777, false, false, nullptr}, true, true},   // a stranger, but root says so
        {found_process{777, true, false, nullptr}, false, true},   // a member
    }));
    REQUIRE(i.status.control_pid == 101);
    i.tells(main, {.main_pid = 777}, true, a.is_privileged, a.found);
    CHECK(i.status.main_pid == (a.is_accepted ? 777 : main));
    CHECK(i.orders == (a.is_accepted ? lines{"watch_main"} : lines{}));
    if (a.is_accepted) CHECK(i.status.is_main_alien);
}

TEST_CASE("MAINPID= counts while it starts, runs or reloads only", "[machine][notify]")
{
    instance_under_test i;
    i.program.notify = notify_access::main;
    i.is_started();
    i.happens(stop_requested{});
    i.tells(i.status.main_pid, {.main_pid = 777}, true, true, found_process{777, true, true, nullptr});
    CHECK(i.status.main_pid == 100);
    CHECK(i.orders.empty());
}

TEST_CASE("the watchdog is armed by the start, and by every ping", "[machine][watchdog]")
{
    instance_under_test i(service_type::notify);
    i.program.watchdog = 10s;
    i.program.timeout_abort = 5s;
    i.is_started();
    CHECK(i.status.watchdog_deadline == never); // not before READY=1
    SECTION("READY=1 arms it, pings put it off")
    {
        i.is_ready();
        CHECK(i.left() == 10s);
        i.wait(9s);
        CHECK(i.state() == sub_state::running);
        i.says(ping);
        i.wait(9s);
        CHECK(i.state() == sub_state::running);
        i.wait(1s);
        CHECK(i.orders ==
              lines{"send_signal SIGABRT all", "send_signal SIGCONT all", "announce_state stop-watchdog"});
        CHECK(i.status.result == service_result::watchdog);
        CHECK(i.status.expired == time_limit::watchdog);
        CHECK(i.left() == 5s);
        i.main_ends(exit_0); // however it ends
        CHECK(i.state() == sub_state::failed);
        CHECK(i.status.result == service_result::watchdog);
    }
    SECTION("a ping before READY=1 arms it as well")
    {
        i.says(ping);
        CHECK(i.left() == 10s);
        i.times_out();
        CHECK(i.state() == sub_state::stop_watchdog);
        i.main_ends(by_sigabrt);
        CHECK(i.status.result == service_result::watchdog);
        CHECK(i.has_ordered("finish_job start failed"));
    }
    SECTION("it is on while exec_start_post runs")
    {
        i.program.exec_start_post = commands({"/bin/post"});
        i.is_ready();
        i.begins();
        CHECK(i.left() == 10s);
        i.times_out();
        CHECK(i.state() == sub_state::stop_watchdog);
    }
    SECTION("it goes on during a reload of its own accord")
    {
        i.is_ready();
        i.says({.state = notify_state::reloading, .has_reloading = true});
        REQUIRE(i.state() == sub_state::reload);
        i.times_out();
        CHECK(i.state() == sub_state::stop_watchdog);
    }
    SECTION("a stop ends it")
    {
        i.is_ready();
        i.happens(stop_requested{});
        CHECK(i.status.watchdog_deadline == never);
    }
}

TEST_CASE("a program that hangs comes back under restart: always", "[machine][watchdog]")
{
    instance_under_test i(service_type::notify);
    i.program.watchdog = 10s;
    i.program.restart = restart_mode::always;
    i.program.start_limit_burst = 0;
    i.is_started();
    for (unsigned n = 1; n <= 20; ++n) {
        i.is_ready();
        i.times_out();
        REQUIRE(i.state() == sub_state::stop_watchdog);
        const bool ignores_sigabrt = n % 2 == 0;
        if (ignores_sigabrt) i.times_out();
        i.main_ends(ignores_sigabrt ? by_sigkill : process_end{exit_code_kind::dumped, SIGABRT});
        REQUIRE(i.state() == sub_state::auto_restart);
        CHECK(i.status.result == service_result::watchdog);
        i.times_out();
        CHECK(i.status.n_restarts == n);
        i.begins();
    }
}

TEST_CASE("WATCHDOG=trigger works without watchdog_sec and before READY=1", "[machine][watchdog]")
{
    instance_under_test i(service_type::notify);
    i.program.watchdog_signal = SIGQUIT;
    i.is_started();
    if (GENERATE(false, true)) i.is_ready();
    i.says(trigger);
    CHECK(i.orders[0] == "send_signal SIGQUIT all");
    CHECK(i.state() == sub_state::stop_watchdog);
    i.says(trigger); // once is enough
    CHECK(i.orders.empty());
    i.main_ends({exit_code_kind::killed, SIGQUIT});
    CHECK(i.status.result == service_result::watchdog);
}

TEST_CASE("WATCHDOG_USEC= sets the interval of this run", "[machine][watchdog]")
{
    instance_under_test i(service_type::notify);
    const bool is_configured = GENERATE(false, true);
    if (is_configured) i.program.watchdog = 60s;
    i.is_started();
    i.says({.watchdog_usec = 3s});
    CHECK(i.left() == 3s); // at once, before READY=1 too
    i.is_ready();
    CHECK(i.left() == 3s);
    SECTION("0 turns it off")
    {
        i.says({.watchdog_usec = 0s});
        CHECK(next_deadline(i.status) == never);
        i.says(ping);
        CHECK(next_deadline(i.status) == never);
    }
    SECTION("the next run has its own")
    {
        i.happens(restart_requested{});
        i.main_ends(exit_0);
        i.begins();
        i.is_ready();
        CHECK(i.status.watchdog_deadline == (is_configured ? i.now.monotonic + 60s : never));
    }
}

TEST_CASE("watchdog_sec infinity is none", "[machine][watchdog]")
{
    instance_under_test i(service_type::notify);
    i.program.watchdog = infinity;
    i.is_started();
    i.is_ready();
    i.says(ping);
    CHECK(next_deadline(i.status) == never);
}

TEST_CASE("EXTEND_TIMEOUT_USEC= counts from the message on and never shortens", "[machine][timeout]")
{
    instance_under_test i(service_type::notify);
    i.program.notify = notify_access::all;
    i.program.timeout_start = 60s;
    i.program.timeout_stop = 30s;
    i.program.runtime_max = 100s;
    const auto extends = [&](duration by) { i.says({.extend_timeout_usec = by}); };
    i.is_started();
    SECTION("the start")
    {
        i.goes_on(50s);
        extends(5s);
        CHECK(i.left() == 10s);
        extends(20s);
        CHECK(i.left() == 20s);
        extends(infinity);
        CHECK(next_deadline(i.status) == never);
    }
    SECTION("runtime_max_sec")
    {
        i.is_ready();
        i.goes_on(99s);
        extends(10s);
        CHECK(i.left() == 10s);
    }
    SECTION("the stop")
    {
        i.happens(stop_requested{});
        extends(10s);
        CHECK(i.left() == 30s);
        extends(40s);
        CHECK(i.left() == 40s);
    }
    SECTION("a command's time is that command's: the next one has its own")
    {
        instance_under_test other;
        other.program.notify = notify_access::all;
        other.program.exec_start_pre = commands({"/bin/pre"});
        other.program.type = service_type::notify;
        other.is_started();
        other.tells(other.status.control_pid, {.extend_timeout_usec = 1h}, true);
        CHECK(other.left() == 1h);
        other.control_ends(exit_0);
        CHECK(other.left() == 90s);
    }
    SECTION("not the delay before a restart")
    {
        i.program.restart = restart_mode::always;
        i.main_ends(exit_1, false);
        REQUIRE(i.state() == sub_state::auto_restart);
        const time_point before = i.status.deadline;
        i.tells(1, {.extend_timeout_usec = 1h}, true);
        CHECK(i.status.deadline == before);
    }
}

TEST_CASE("STATUS=, ERRNO= and EXIT_STATUS= are kept until the next start", "[machine][notify]")
{
    instance_under_test i(service_type::notify);
    i.is_started();
    i.says({.status = "4 jobs", .errno_value = 2, .exit_status = 3});
    i.main_ends(exit_1);
    CHECK(i.status.status_text == "4 jobs");
    CHECK(i.status.status_errno == 2);
    CHECK(i.status.notified_exit_status == 3);
    i.is_started();
    CHECK(i.status.status_text.empty());
    CHECK(i.status.status_errno == 0);
    CHECK_FALSE(i.status.notified_exit_status);
    i.says({.status = "here"});
    i.says({.status = ""});
    CHECK(i.status.status_text.empty());
}

TEST_CASE("descriptors are stored where there is room for them", "[machine][notify]")
{
    instance_under_test i;
    i.program.notify = notify_access::main;
    const auto sends = [&](const notify_message& m, attachment descriptors) {
        i.happens(notified{i.status.main_pid, false, true, m, {}, std::move(descriptors)});
    };
    const attachment some = std::make_shared<int>(3);
    const notify_message store{.stores_descriptors = true, .descriptor_name = "sock"};
    SECTION("with a store")
    {
        i.program.file_descriptor_store_max = 2;
        i.is_started();
        sends(store, some);
        CHECK(i.orders == lines{"store_descriptors sock"});
        CHECK(std::get<store_descriptors>(i.actions[0]).descriptors == some);
        sends({.removes_descriptors = true, .descriptor_name = "sock"}, nullptr);
        CHECK(i.orders == lines{"remove_descriptors sock"});
    }
    SECTION("without one, or without descriptors")
    {
        i.program.file_descriptor_store_max = GENERATE(0U, 2U);
        i.is_started();
        sends(store, i.program.file_descriptor_store_max == 0 ? some : nullptr);
        CHECK(i.orders.empty());
    }
}

TEST_CASE("of a barrier nothing else counts", "[machine][notify]")
{
    instance_under_test i(service_type::notify);
    i.is_started();
    i.says({.state = notify_state::ready, .is_barrier = true});
    CHECK(i.state() == sub_state::start);
    CHECK(i.status.ignored_notifications == 0);
}
