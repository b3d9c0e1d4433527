#include "daemon/event_pump.h"
#include "daemon/os/clock.h"
#include "tests/support/catch.h"

#include <boost/asio/post.hpp>

#include <optional>
#include <stdexcept>

using namespace procctl;
using namespace std::chrono_literals;

namespace {

loaded_program program(const std::string& name, duration restart_sec)
{
    loaded_program p;
    p.config.name = name;
    p.config.exec_start = {{{"/bin/" + name}}};
    p.config.restart_sec = restart_sec;
    p.config.start_limit_burst = 0;
    return p;
}

// A pump whose hands start every process at once, in their imagination.
struct pumped {
    boost::asio::io_context io;
    supervisor programs{1};
    std::vector<std::string> done; // "start_process exec_start", "announce_state running" …
    int settled = 0;
    bool throws = false;
    bool is_slow = false; // each order takes longer than a turn may
    std::optional<event_pump> pump;

    pumped()
    {
        pump.emplace(io, programs,
                     event_pump::handlers{.carry_out = [this](const order& o) { carry_out(o); },
                                          .settled = [this] { ++settled; }});
    }

    void carry_out(const order& o)
    {
        if (throws) throw std::runtime_error("no memory");
        for (const time_point begin = now().monotonic; is_slow && now().monotonic < begin + 6ms;) {
        }
        const auto* mine = std::get_if<instance_order>(&o);
        if (mine == nullptr) return;
        done.push_back(describe(mine->what));
        if (const auto* start = std::get_if<start_process>(&mine->what))
            pump->fact(mine->who, process_started{start->serial, 100, {}});
    }

    void exits(const std::string& name)
    {
        const instance* i = programs.find(name);
        pump->fact(i->id, process_exited{i->status.main_serial, {exit_code_kind::exited, 1}, false});
    }
};

} // namespace

TEST_CASE("a fact that arises while an order is carried out is dealt with in the same run", "[pump]")
{
    pumped p;
    p.pump->carry_out(p.programs.apply({program("web", 1h)}, now()));
    CHECK(p.done == std::vector<std::string>{"start_process exec_start", "announce_state running",
                                             "finish_job start done"});
    CHECK(p.programs.find("web")->status.main_pid == 100);
    CHECK(p.settled == 1);
}

TEST_CASE("a restart without delay comes with the next turn of the loop", "[pump]")
{
    pumped p;
    p.pump->carry_out(p.programs.apply({program("web", 0s)}, now()));
    p.exits("web");
    CHECK(p.programs.find("web")->status.state == sub_state::auto_restart);
    p.io.poll();
    CHECK(p.programs.find("web")->status.state == sub_state::running);
    CHECK(p.programs.find("web")->status.n_restarts == 1);
}

TEST_CASE("a restart with a delay is waited for by the one timer", "[pump]")
{
    pumped p;
    p.pump->carry_out(p.programs.apply({program("slow", 1h), program("quick", 20ms)}, now()));
    p.exits("slow");
    p.exits("quick");
    while (p.programs.find("quick")->status.state != sub_state::running)
        REQUIRE(p.io.run_one() == 1); // blocks until the timer
    CHECK(p.programs.find("slow")->status.state == sub_state::auto_restart);
}

TEST_CASE("a handler that throws costs one order, not the pump", "[pump]")
{
    pumped p;
    p.throws = true;
    CHECK_THROWS(p.pump->carry_out(p.programs.apply({program("web", 1h), program("db", 1h)}, now())));
    p.throws = false;
    p.pump->carry_out({});
    CHECK(p.done.front() == "start_process exec_start");
    CHECK(p.settled == 1);
}

TEST_CASE("a long answer leaves the loop to others in between, and is carried out whole", "[pump]")
{
    pumped p;
    p.is_slow = true;
    p.pump->carry_out(p.programs.apply({program("web", 1h), program("db", 1h)}, now()));
    CHECK(p.done.size() < 2);
    CHECK(p.settled == 0);
    bool others_had_a_turn = false;
    boost::asio::post(p.io, [&] { others_had_a_turn = p.settled == 0; });
    p.io.poll();
    CHECK(others_had_a_turn);
    CHECK(p.settled == 1);
    CHECK(p.programs.find("web")->status.state == sub_state::running);
    CHECK(p.programs.find("db")->status.state == sub_state::running);
}
