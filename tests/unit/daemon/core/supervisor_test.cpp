#include "daemon/core/supervisor.h"
#include "tests/support/catch.h"

using namespace procctl;
using namespace std::chrono_literals;

TEST_CASE("a program is started, crashes and comes back", "[supervisor]")
{
    const instant t0{time_point{} + 1h, wall_time{} + 24h};
    supervisor programs(42);
    loaded_program web;
    web.config.name = "web";
    web.config.exec_start = {{{"/bin/web"}}};
    const orders first = programs.apply({web}, t0);
    REQUIRE(first.size() == 2);
    CHECK(std::holds_alternative<instance_added>(first[0]));
    CHECK(describe(std::get<instance_order>(first[1]).what) == "start_main");

    const instance* i = programs.find("web");
    REQUIRE(i != nullptr);
    const instance_id id = i->id;
    programs.on(id, main_started{i->status.main_serial, 100, {}}, t0);
    CHECK(programs.find(id)->status.state == sub_state::running);

    programs.on(id, main_exited{i->status.main_serial, {exit_code_kind::exited, 1}, false}, t0);
    CHECK(programs.find(id)->status.state == sub_state::auto_restart);
    CHECK(programs.next_deadline() == t0.monotonic + 100ms);

    const orders again = programs.on_time({t0.monotonic + 100ms, t0.wall + 100ms});
    CHECK(programs.find(id)->status.n_restarts == 1);
    CHECK(describe(std::get<instance_order>(again.back()).what) == "start_main");
}
