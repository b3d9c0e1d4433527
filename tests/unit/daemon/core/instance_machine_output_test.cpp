// What a run has written last belongs to its end, and comes after it.
#include "common/log_settings.h"
#include "daemon/core/supervisor.h"
#include "tests/support/catch.h"
#include "tests/support/instance_under_test.h"

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

namespace {

// One that has failed and waits for its restart.
instance_under_test crashed()
{
    instance_under_test i;
    i.program.restart = restart_mode::on_failure;
    i.program.restart_sec = 1s;
    i.is_started();
    i.main_ends(exit_1);
    return i;
}

} // namespace

TEST_CASE("the output of a run is kept with its end", "[machine][output]")
{
    instance_under_test i = crashed();
    const invocation_id run = i.status.invocation;
    CHECK(i.status.last_run.invocation == run);
    CHECK(i.status.last_run.output.empty());
    i.happens(output_ended{run, "cannot bind\n"});
    CHECK(i.orders.empty());
    CHECK(i.status.state == sub_state::auto_restart);
    CHECK(i.status.last_run.output == "cannot bind\n");

    SECTION("while the next run is under way")
    {
        i.times_out();
        i.begins();
        CHECK(i.status.invocation != run);
        CHECK(i.status.last_run.output == "cannot bind\n");
    }
    SECTION("until more of it arrives")
    {
        i.happens(output_ended{run, "cannot bind\nby the child\n"});
        CHECK(i.status.last_run.output == "cannot bind\nby the child\n");
        i.happens(output_ended{run, "cannot bind\nby the child\n"}); // which changes nothing
        CHECK(i.orders.empty());
    }
    SECTION("until that one has ended")
    {
        i.times_out();
        i.begins();
        i.main_ends(exit_1);
        CHECK(i.status.last_run.output.empty());
    }
    SECTION("and reset-failed leaves it")
    {
        i.happens(stop_requested{});
        i.happens(reset_failed_requested{});
        CHECK(i.status.last_run.output == "cannot bind\n");
        CHECK(i.status.last_run.result == service_result::exit_code);
    }
}

TEST_CASE("output may come when the next run has begun", "[machine][output]")
{
    instance_under_test i = crashed();
    const invocation_id run = i.status.invocation;
    i.times_out();
    i.begins();
    i.happens(output_ended{run, "late\n"});
    CHECK(i.status.last_run.output == "late\n");
    CHECK(i.status.state == sub_state::running);
}

TEST_CASE("output of another run than the last is not its", "[machine][output]")
{
    instance_under_test i = crashed();
    const invocation_id older = i.status.invocation;
    i.times_out();
    i.begins();

    SECTION("of one that runs yet")
    {
        i.happens(output_ended{i.status.invocation, "not over\n"});
        CHECK(i.status.last_run.invocation == older);
    }
    SECTION("of one before it")
    {
        i.main_ends(exit_1);
        i.happens(output_ended{older, "too late\n"});
        CHECK(i.status.last_run.invocation != older);
    }
    SECTION("of none")
    {
        i.happens(output_ended{{}, "whose?\n"});
        CHECK(i.status.last_run.invocation == older);
    }
    CHECK(i.status.last_run.output.empty());
}

TEST_CASE("a start that comes to nothing has no output", "[machine][output]")
{
    instance_under_test i;
    i.program.condition_path_exists = {{"/run/x"}};
    i.happens(start_requested{});
    i.happens(conditions_checked{i.status.check_serial, true, true});
    i.begins();
    i.main_ends(exit_1);
    const invocation_id run = i.status.invocation;
    i.happens(start_requested{});
    i.happens(conditions_checked{.serial = i.status.check_serial, .is_known = false});
    REQUIRE(i.status.last_run.result == service_result::resources);
    CHECK(i.status.last_run.invocation == invocation_id{});
    i.happens(output_ended{run, "of the run before\n"});
    i.happens(output_ended{{}, "of none\n"});
    CHECK(i.status.last_run.output.empty());
}

TEST_CASE("of too much output the end is kept", "[machine][output]")
{
    instance_under_test i = crashed();
    const std::string most(log_settings::max_tail_size, 'x');
    i.happens(output_ended{i.status.invocation, "cut off" + most});
    CHECK(i.status.last_run.output == most);
    i.happens(output_ended{i.status.invocation, most});
    CHECK(i.status.last_run.output == most);
}

TEST_CASE("the supervisor passes output on, and knows whom it does not know", "[supervisor][output]")
{
    const instant now{time_point{} + 1h, wall_time{} + 1h};
    supervisor programs(7);
    loaded_program web;
    web.config.name = "web";
    web.config.exec_start = commands({"/bin/web"});
    web.config.restart = restart_mode::no;
    static_cast<void>(programs.apply({web}, now));
    const instance& i = *programs.find("web");
    static_cast<void>(programs.on(i.id, process_started{i.status.main_serial, 100, {}}, now));
    static_cast<void>(programs.on(i.id, process_exited{i.status.main_serial, exit_1, false}, now));
    CHECK(programs.on(i.id, output_ended{i.status.invocation, "bye\n"}, now).empty());
    CHECK(i.status.last_run.output == "bye\n");
    CHECK(programs.on(i.id + 1, output_ended{i.status.invocation, "who?\n"}, now).empty());
}
