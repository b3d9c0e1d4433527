// The commands around the main process: lists of them, the prefix '-', commands that cannot be made, and the
// time limits with each failure mode.
#include "tests/support/catch.h"
#include "tests/support/instance_under_test.h"

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

namespace {

// A simple program with two commands of one kind.
struct with_two : instance_under_test {
    explicit with_two(std::vector<command> program_config::*list, bool ignores_first = false)
    {
        program.*list = commands({ignores_first ? "-/bin/first" : "/bin/first", "/bin/second"});
    }
};

// Up, with a control process of the reload, if there is one.
void is_running(instance_under_test& i)
{
    i.is_started();
    while (i.ordered() != 0)
        i.begins();
    while (i.status.control_pid != 0) {
        i.control_ends(exit_0);
        while (i.ordered() != 0)
            i.begins();
    }
    REQUIRE(i.state() == sub_state::running);
}

} // namespace

TEST_CASE("commands before the main process: the first that fails ends the start", "[machine][commands]")
{
    const auto [list, state] = GENERATE(table<std::vector<command> program_config::*, sub_state>({
        {&program_config::exec_condition, sub_state::condition},
        {&program_config::exec_start_pre, sub_state::start_pre},
    }));
    const service_result expected =
        state == sub_state::condition ? service_result::exec_condition : service_result::exit_code;
    with_two i(list);
    i.happens(start_requested{});
    CHECK(i.orders == lines{"start_process " + std::string(to_text(i.status.control_command))});
    CHECK(i.state() == state);
    i.begins();
    CHECK(i.orders == lines{"announce_state " + std::string(to_text(state))});
    SECTION("both well: the main process is next")
    {
        i.control_ends(exit_0);
        CHECK(i.orders == lines{"start_process " + std::string(to_text(i.status.control_command)) + " 1"});
        i.begins();
        CHECK(i.orders.empty()); // the state has been announced
        i.control_ends(exit_0);
        CHECK(i.orders == lines{"start_process exec_start"});
        i.begins();
        CHECK(i.state() == sub_state::running);
    }
    SECTION("the first fails")
    {
        i.control_ends(exit_1);
        CHECK(i.status.result == expected);
        CHECK(is_down(i.status));
        REQUIRE(i.status.culprit);
        CHECK(i.status.culprit->index == 0);
    }
    SECTION("the second fails")
    {
        i.control_ends(exit_0);
        i.begins();
        i.control_ends(exit_1);
        CHECK(i.status.result == expected);
        CHECK(i.status.culprit->index == 1);
        CHECK(i.status.culprit->end == exit_1);
    }
    SECTION("SIGTERM is no clean end for a command")
    {
        i.control_ends(by_sigterm);
        CHECK(i.status.result == service_result::signal);
        CHECK(i.state() == sub_state::failed);
    }
    SECTION("it leaves others behind: they are stopped first")
    {
        i.control_ends(exit_1, true);
        CHECK(i.state() == sub_state::stop_sigterm);
        i.happens(processes_gone{});
        CHECK(is_down(i.status));
        CHECK(i.status.result == expected);
    }
    SECTION("a stop in between kills it, and nothing follows")
    {
        i.happens(stop_requested{});
        CHECK(i.state() == sub_state::stop_sigterm);
        i.control_ends(exit_0);
        CHECK(i.state() == sub_state::dead);
    }
}

TEST_CASE("exec_condition: 1 to 254 skips, 255 and signals fail", "[machine][commands]")
{
    instance_under_test i;
    i.program.restart = restart_mode::always;
    i.program.exec_condition = commands({"/bin/condition"});
    i.program.exec_stop_post = commands({"/bin/post"});
    const auto [end, result, state] = GENERATE(table<process_end, service_result, sub_state>({
        {exit_1, service_result::exec_condition, sub_state::dead},
        {{exit_code_kind::exited, 203}, service_result::exec_condition, sub_state::dead},
        {{exit_code_kind::exited, 254}, service_result::exec_condition, sub_state::dead},
        {exit_255, service_result::exit_code, sub_state::auto_restart},
        {by_sigterm, service_result::signal, sub_state::auto_restart},
        {{exit_code_kind::dumped, SIGSEGV}, service_result::core_dump, sub_state::auto_restart},
    }));
    i.is_started();
    i.control_ends(end);
    CHECK(i.orders == lines{"start_process exec_stop_post"}); // after a skip too
    i.runs_command(exit_0);
    CHECK(i.status.result == result);
    CHECK(i.state() == state);
    const bool is_skip = result == service_result::exec_condition;
    CHECK(i.has_ordered(is_skip ? "finish_job start done" : "finish_job start failed"));
}

TEST_CASE("'-' before a command: its failure is none, and the list goes on", "[machine][commands]")
{
    const auto list = GENERATE(&program_config::exec_condition, &program_config::exec_start_pre);
    with_two i(list, true);
    i.is_started();
    i.control_ends(GENERATE(exit_1, exit_255, by_sigkill));
    CHECK(i.status.result == service_result::success);
    CHECK_FALSE(i.status.culprit);
    CHECK(i.status.control_index == 1);
    i.runs_command(exit_1); // without the prefix
    CHECK(is_down(i.status));
}

TEST_CASE("success_exit_status counts for commands", "[machine][commands]")
{
    instance_under_test i;
    i.program.exec_start_pre = commands({"/bin/pre"});
    i.program.success_exit_status.add_code(1);
    i.is_started();
    i.control_ends(exit_1);
    CHECK(i.orders == lines{"start_process exec_start"});
}

TEST_CASE("exec_start_post runs beside the main process", "[machine][commands]")
{
    with_two i(&program_config::exec_start_post);
    i.program.exec_stop = commands({"/bin/stop"});
    i.is_started();
    CHECK(i.orders == lines{"start_process exec_start_post"});
    CHECK(i.state() == sub_state::start_post);
    i.begins();
    SECTION("both well: running, and only then the start is done")
    {
        i.runs_command(exit_0);
        CHECK(i.orders == lines{"start_process exec_start_post 1"});
        i.runs_command(exit_0);
        CHECK(i.orders == lines{"announce_state running", "finish_job start done"});
    }
    SECTION("a command fails: the main process is stopped, without exec_stop")
    {
        i.control_ends(exit_1);
        CHECK(i.state() == sub_state::stop_sigterm);
        i.main_ends(by_sigterm);
        CHECK(i.state() == sub_state::failed);
        CHECK(i.status.result == service_result::exit_code);
        CHECK(i.has_ordered("finish_job start failed"));
        CHECK(i.status.culprit->command == exec_command::start_post);
    }
    SECTION("the main process ends badly: the command is waited for, then the start has failed")
    {
        i.main_ends(exit_1);
        CHECK(i.state() == sub_state::start_post);
        CHECK(i.orders.empty());
        i.control_ends(exit_0);
        i.runs_command(exit_0);
        CHECK(i.state() == sub_state::failed);
        CHECK(i.status.result == service_result::exit_code);
        CHECK_FALSE(i.status.culprit); // it was the main process
    }
    SECTION("the main process ends well: the other commands still run, then exec_stop")
    {
        i.main_ends(exit_0);
        i.control_ends(exit_0);
        CHECK(i.orders == lines{"start_process exec_start_post 1"});
        i.runs_command(exit_0);
        CHECK(i.orders == lines{"start_process exec_stop"});
        i.runs_command(exit_0);
        CHECK(i.state() == sub_state::dead);
        CHECK(i.status.result == service_result::success);
    }
    SECTION("a stop: both are signaled, and both are waited for")
    {
        i.happens(stop_requested{});
        CHECK(i.state() == sub_state::stop_sigterm);
        i.main_ends(by_sigterm);
        CHECK(i.state() == sub_state::stop_sigterm);
        i.control_ends(by_sigterm);
        CHECK(i.state() == sub_state::failed); // the command died by a signal
        CHECK(i.status.result == service_result::signal);
    }
}

TEST_CASE("exec_stop runs where the main process lives or has ended well", "[machine][commands]")
{
    with_two i(&program_config::exec_stop);
    i.is_started();
    SECTION("on a stop: one after the other, then the signals")
    {
        i.happens(stop_requested{});
        CHECK(i.orders == lines{"start_process exec_stop"});
        i.begins();
        CHECK(i.orders == lines{"announce_state stop"});
        i.control_ends(exit_0);
        CHECK(i.orders == lines{"start_process exec_stop 1"});
        i.runs_command(exit_0);
        CHECK(i.orders ==
              lines{"send_signal SIGTERM all", "send_signal SIGCONT all", "announce_state stop-sigterm"});
    }
    SECTION("the first that fails ends the list, and is the result; the stop is done all the same")
    {
        i.happens(stop_requested{});
        i.runs_command(exit_1);
        CHECK(i.state() == sub_state::stop_sigterm);
        i.main_ends(by_sigterm);
        CHECK(i.state() == sub_state::failed);
        CHECK(i.status.result == service_result::exit_code);
        CHECK(i.has_ordered("finish_job stop done"));
    }
    SECTION("the main process ends meanwhile: the list goes on")
    {
        i.happens(stop_requested{});
        i.begins();
        i.main_ends(exit_1);
        CHECK(i.state() == sub_state::stop);
        CHECK(i.orders.empty());
        i.control_ends(exit_0);
        CHECK(i.orders == lines{"start_process exec_stop 1"});
        i.runs_command(exit_0);
        CHECK(i.state() == sub_state::failed); // nobody was left to signal
    }
    SECTION("after a good end by itself")
    {
        i.main_ends(exit_0);
        CHECK(i.orders == lines{"start_process exec_stop"});
    }
    SECTION("not after a bad one, nor after STOPPING=1 or a watchdog")
    {
        i.program.notify = notify_access::main;
        const int what = GENERATE(0, 1, 2);
        if (what == 0) i.main_ends(exit_1);
        if (what == 1) i.says({.state = notify_state::stopping});
        if (what == 2) i.says({.watchdog = watchdog_request::trigger});
        if (what != 0) i.main_ends(exit_0);
        CHECK(std::ranges::find(i.states, "stop") == i.states.end());
        CHECK(i.status.control_serial == 0);
        CHECK(is_down(i.status));
    }
    SECTION("not while it starts")
    {
        instance_under_test early(service_type::notify);
        early.program.exec_stop = commands({"/bin/stop"});
        early.is_started();
        early.happens(stop_requested{});
        CHECK(early.state() == sub_state::stop_sigterm);
    }
    SECTION("when runtime_max_sec is over")
    {
        i.program.runtime_max = 1h;
        i.main_ends(exit_0);
        i.runs_command(exit_0);
        i.runs_command(exit_0);
        i.is_started();
        i.wait(1h);
        CHECK(i.orders == lines{"start_process exec_stop"});
        CHECK(i.status.result == service_result::timeout);
    }
}

TEST_CASE("exec_stop_post runs whatever the run came to", "[machine][commands]")
{
    with_two i(&program_config::exec_stop_post);
    i.is_started();
    enum class way { good_end, bad_end, stop };
    const way w = GENERATE(way::good_end, way::bad_end, way::stop);
    if (w == way::stop) i.happens(stop_requested{});
    i.main_ends(w == way::good_end ? exit_0 : w == way::bad_end ? exit_1 : by_sigterm);
    REQUIRE(i.orders.back() == "start_process exec_stop_post");
    const service_result before = i.status.result;
    i.begins();
    CHECK(i.orders == lines{"announce_state stop-post"});
    const auto [first, second] = GENERATE(table<process_end, process_end>({
        {exit_0, exit_0},
        {exit_1, exit_0},
        {exit_0, exit_1},
    }));
    i.control_ends(first);
    if (first == exit_0) {
        CHECK(i.orders == lines{"start_process exec_stop_post 1"});
        i.runs_command(second);
    }
    CHECK(is_down(i.status));
    const bool is_well = first == exit_0 && second == exit_0;
    CHECK(i.status.result ==
          (before == service_result::success && !is_well ? service_result::exit_code : before));
}

TEST_CASE("exec_stop_post leaves processes behind: they get the signals once more", "[machine][commands]")
{
    instance_under_test i;
    i.program.exec_stop_post = commands({"/bin/post"});
    i.is_started();
    i.main_ends(exit_0);
    i.runs_command(exit_0, true);
    CHECK(i.orders ==
          lines{"send_signal SIGTERM all", "send_signal SIGCONT all", "announce_state final-sigterm"});
    i.happens(processes_gone{});
    CHECK(i.state() == sub_state::dead);
}

TEST_CASE("what cannot be made: result resources, wherever it happens", "[machine][commands]")
{
    instance_under_test i;
    i.program.exec_condition = commands({"/bin/condition", "/bin/condition"});
    i.program.exec_start_pre = commands({"/bin/pre", "/bin/pre"});
    i.program.exec_start_post = commands({"/bin/post", "/bin/post"});
    i.program.exec_stop = commands({"/bin/stop", "/bin/stop"});
    // How many processes come and go before the one that cannot be made, and what follows it.
    const auto [before, expected] = GENERATE(table<int, lines>({
        {0, {"announce_state failed", "finish_job start failed"}}, // condition
        {1, {"announce_state failed", "finish_job start failed"}},
        {2, {"announce_state failed", "finish_job start failed"}}, // start-pre
        {3, {"announce_state failed", "finish_job start failed"}},
        {4, {"announce_state failed", "finish_job start failed"}}, // the main process
        {5, {"start_process exec_stop"}}, // start-post: systemd stops it in good order, if it is the first
        {6, {"send_signal SIGTERM all", "send_signal SIGCONT all", "announce_state stop-sigterm"}},
    }));
    CAPTURE(before);
    i.happens(start_requested{});
    for (int n = 0; n < before; ++n) {
        i.begins();
        if (i.status.control_pid != 0) i.control_ends(exit_0);
    }
    i.cannot_begin();
    CHECK(i.orders == expected);
    CHECK(i.status.result == service_result::resources);
    if (before == 4)
        CHECK_FALSE(i.status.culprit);
    else
        CHECK(i.status.culprit->end.code == exit_code_kind::never_ran);
}

TEST_CASE("a stop goes on without the command that cannot be made", "[machine][commands]")
{
    instance_under_test i;
    i.program.exec_stop = commands({"/bin/stop", "/bin/stop"});
    i.program.exec_stop_post = commands({"/bin/post", "/bin/post"});
    i.is_started();
    i.happens(stop_requested{});
    SECTION("exec_stop: signals")
    {
        if (GENERATE(false, true)) i.runs_command(exit_0);
        i.cannot_begin();
        CHECK(i.state() == sub_state::stop_sigterm);
        i.main_ends(by_sigterm);
        CHECK(i.state() == sub_state::stop_post);
        CHECK(i.status.result == service_result::resources);
    }
    SECTION("exec_stop_post: the end")
    {
        i.runs_command(exit_0);
        i.runs_command(exit_0);
        i.main_ends(by_sigterm);
        if (GENERATE(false, true)) i.runs_command(exit_0);
        i.cannot_begin();
        CHECK(i.state() == sub_state::failed);
        CHECK(i.status.result == service_result::resources);
    }
}

TEST_CASE("a command whose end alone is told counts as one that failed so", "[machine][commands]")
{
    instance_under_test i;
    i.program.exec_start_pre = commands({"/bin/pre"});
    i.happens(start_requested{});
    i.happens(process_exited{i.ordered(), {exit_code_kind::exited, 217}, false});
    CHECK(i.state() == sub_state::failed);
    CHECK(i.status.result == service_result::exit_code);
    REQUIRE(i.status.culprit);
    CHECK(i.status.culprit->failure.exit_status == 217);
    CHECK(i.states == lines{"start-pre", "failed"});
}

TEST_CASE("an order that a stop has taken back may come too late", "[machine][commands]")
{
    instance_under_test i;
    i.program.exec_start_pre = commands({"/bin/pre"});
    i.happens(start_requested{});
    const std::uint64_t ordered = i.ordered();
    i.happens(stop_requested{});
    CHECK(i.state() == sub_state::dead);
    const instance_status down = i.status;
    i.happens(process_not_started{ordered});
    CHECK(i.status == down);
    i.happens(process_started{ordered, 100, {}}); // or it is there already: nobody wants it
    CHECK(i.orders == lines{"end_process"});
    CHECK(i.status.has_others);
    i.happens(process_exited{ordered, exit_1, false});
    CHECK(i.status == down);
}

TEST_CASE("a start that takes too long, with each failure mode in each state", "[machine][timeout]")
{
    using enum timeout_failure_mode;
    const auto [mode, state, signal] = GENERATE(table<timeout_failure_mode, sub_state, std::string>({
        {terminate, sub_state::stop_sigterm, "send_signal SIGTERM all"},
        {abort, sub_state::stop_watchdog, "send_signal SIGABRT all"},
        {kill, sub_state::stop_sigkill, "send_signal SIGKILL all"},
    }));
    instance_under_test i(service_type::notify);
    i.program.exec_condition = commands({"/bin/condition"});
    i.program.exec_start_pre = commands({"/bin/pre"});
    i.program.exec_start_post = commands({"/bin/post"});
    i.program.exec_stop_post = commands({"/bin/clean"});
    i.program.timeout_start = 60s;
    i.program.timeout_start_failure = mode;
    i.is_started();
    const int steps = GENERATE(0, 1, 2, 3);
    if (steps > 0) i.control_ends(exit_0), i.begins(); // start-pre
    if (steps > 1) i.control_ends(exit_0), i.begins(); // start
    if (steps > 2) i.is_ready(), i.begins();           // start-post
    constexpr sub_state expected[] = {sub_state::condition, sub_state::start_pre, sub_state::start,
                                      sub_state::start_post};
    REQUIRE(i.state() == expected[steps]);
    i.goes_on(59s); // each state has a limit of its own
    i.happens(time_passed{});
    REQUIRE(i.state() == expected[steps]);
    i.wait(1s);
    CHECK(i.state() == state);
    CHECK(i.orders[0] == signal);
    CHECK(i.status.result == service_result::timeout);
    CHECK(i.status.expired == time_limit::start);
    if (i.status.control_pid != 0) i.control_ends(exit_0);
    if (i.status.main_pid != 0) i.main_ends(exit_0);
    CHECK(i.state() == sub_state::stop_post);
    i.runs_command(exit_0);
    CHECK(i.state() == sub_state::failed);
    CHECK(i.status.result == service_result::timeout);
}

TEST_CASE("a stop that takes too long, with each failure mode", "[machine][timeout]")
{
    using enum timeout_failure_mode;
    using enum sub_state;
    instance_under_test i;
    i.program.exec_stop = commands({"/bin/stop"});
    i.program.exec_stop_post = commands({"/bin/clean"});
    i.program.timeout_stop = 30s;
    i.program.timeout_abort = 20s;
    const auto [mode, after_stop, all] =
        GENERATE(table<timeout_failure_mode, sub_state, std::vector<sub_state>>({
            // The states from the stop on, when nothing ever ends.
            {terminate,
             stop_sigterm,
             {stop, stop_sigterm, stop_sigkill, stop_post, final_sigterm, final_sigkill, failed}},
            {abort,
             stop_watchdog,
             {stop, stop_watchdog, stop_sigkill, stop_post, final_watchdog, final_sigkill, failed}},
            {kill, stop_sigkill, {stop, stop_sigkill, stop_post, final_sigkill, failed}},
        }));
    i.program.timeout_stop_failure = mode;
    is_running(i);
    i.happens(stop_requested{});
    SECTION("nothing ever ends")
    {
        for (const sub_state expected : all) {
            if (i.ordered() != 0) i.begins();
            CAPTURE(to_text(expected));
            REQUIRE(i.state() == expected);
            const bool aborts = expected == stop_watchdog || expected == final_watchdog;
            if (expected != failed) CHECK(i.left() == (aborts ? 20s : 30s));
            i.times_out();
        }
        CHECK(i.status.result == service_result::timeout);
        CHECK(i.status.expired == time_limit::stop);
        CHECK(i.status.last_decision == restart_reason::survivors);
    }
    SECTION("exec_stop ends well, the main process does not")
    {
        i.runs_command(exit_0);
        REQUIRE(i.state() == stop_sigterm);
        i.times_out();
        CHECK(i.state() == (mode == abort ? stop_watchdog : stop_sigkill));
        i.main_ends(by_sigkill);
        CHECK(i.state() == stop_post);
    }
    SECTION("only exec_stop_post hangs")
    {
        i.runs_command(exit_0);
        i.main_ends(exit_0);
        i.begins();
        REQUIRE(i.state() == stop_post);
        i.times_out();
        CHECK(i.state() == (mode == terminate ? final_sigterm
                            : mode == abort   ? final_watchdog
                                              : final_sigkill));
        i.control_ends(by_sigterm, true);
        CHECK(i.state() == failed); // at once, though others live: as systemd
        CHECK(i.status.result == service_result::timeout);
    }
}

TEST_CASE("without send_sigkill kill_signal is repeated once, then it is given up", "[machine][timeout]")
{
    instance_under_test i;
    i.program.send_sigkill = false;
    i.program.exec_stop_post = commands({"/bin/clean"});
    i.program.restart = restart_mode::always;
    i.program.timeout_stop_failure = GENERATE(timeout_failure_mode::terminate, timeout_failure_mode::kill);
    i.is_started();
    i.program.runtime_max = 1s;
    i.happens(restart_requested{});
    i.times_out();
    CHECK(i.state() == sub_state::stop_post); // no stop-sigkill
    i.runs_command(exit_0);
    CHECK(i.state() == sub_state::stop_post); // the main process lives
    i.happens(stop_requested{});
    i.times_out();
    if (i.program.timeout_stop_failure == timeout_failure_mode::terminate) {
        CHECK(i.state() == sub_state::final_sigterm);
        i.times_out();
    }
    CHECK(i.state() == sub_state::failed);
    CHECK(i.status.last_decision == restart_reason::survivors);
    CHECK(std::ranges::find(i.states, "stop-sigkill") == i.states.end());
}

TEST_CASE("an abort limit of its own, absent that of the stop", "[machine][timeout]")
{
    instance_under_test i;
    i.program.notify = notify_access::main;
    i.program.timeout_stop = 30s;
    const auto [given, expected] = GENERATE(table<std::optional<duration>, duration>({
        {std::nullopt, 30s},
        {5s, 5s},
    }));
    i.program.timeout_abort = given;
    i.is_started();
    i.says({.watchdog = watchdog_request::trigger});
    CHECK(i.state() == sub_state::stop_watchdog);
    CHECK(i.left() == expected);
    i.times_out();
    CHECK(i.state() == sub_state::stop_sigkill);
    CHECK(i.left() == 30s);
}
