// One instance, whatever happens to it: facts about processes that are not its own change nothing, the two
// forms of step agree, and a program that hangs comes back. The seeds are fixed; supervisor_property_test has
// the promises that are kept to the world, and takes other seeds every time.
#include "daemon/core/instance_machine.h"
#include "tests/support/catch.h"
#include "tests/support/random_program.h"
#include "tests/support/simulated_instance.h"

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

namespace {

// An instance on the machine alone, with its processes.
struct lone_instance {
    int next_pid = 100;
    dice random;
    simulated_instance world;
    program_config program;
    instance_status status;
    duration elapsed = 1h;
    std::uint64_t runs = 0;

    lone_instance(std::uint64_t seed, unsigned failures)
        : random(seed), world(random, next_pid, failures),
          program(random_program(random, "worker", {"mailer"}, true))
    {
    }

    void happens(const event& e)
    {
        const instance_status before = status;
        const invocation_id fresh{1, ++runs};
        const step_result r = step(program, before, e, now(), fresh);
        // The same in place, by the supervisor's form.
        std::vector<action> actions;
        step(program, program, status, e, now(), fresh, actions);
        REQUIRE(status == r.next);
        REQUIRE(in_words(actions) == in_words(r.actions));
        for (const action& a : actions)
            world.obey(program, a);
        world.settle(program, program, before, status, std::holds_alternative<time_passed>(e));
    }
    void may_happen(const std::optional<event>& e)
    {
        if (e) happens(*e);
    }

    void goes_to_next_deadline()
    {
        if (const time_point next = next_deadline(status); next != never)
            elapsed = std::max(elapsed, next - time_point{});
        happens(time_passed{});
    }
    [[nodiscard]] instant now() const { return {time_point{} + elapsed, wall_time{} + elapsed}; }

    static std::vector<std::string> in_words(const std::vector<action>& actions)
    {
        std::vector<std::string> words;
        for (const action& a : actions)
            words.push_back(describe(a));
        return words;
    }
};

event random_request(dice& random)
{
    return random.pick<event>({start_requested{}, start_requested{}, stop_requested{}, restart_requested{},
                               reload_requested{}, reset_failed_requested{}, hurry_requested{}});
}

// About a process, a search or a look that is not, or is no longer, the instance's.
std::vector<event> strange_facts(std::uint64_t serial)
{
    const found_process stranger{7, false, true, nullptr};
    return {process_started{serial, 7, {}},
            process_not_started{serial},
            process_exited{serial, {exit_code_kind::exited, 1}, true},
            conditions_checked{serial, true, true},
            output_ended{{2, serial}, "of another daemon's run\n"},
            main_found{serial, stranger},
            main_not_found{serial}};
}

} // namespace

TEST_CASE("facts about strangers change nothing, in any state", "[machine][property]")
{
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        lone_instance i(seed, 20);
        for (int turn = 0; turn < 100; ++turn) {
            const std::size_t what = i.random.below(100);
            if (what < 15)
                i.happens(random_request(i.random));
            else if (what < 55)
                i.may_happen(i.world.answer());
            else if (what < 75)
                i.may_happen(i.world.exit(i.program, i.status, i.random.chance(50)));
            else if (what < 80)
                i.world.fork();
            else if (what < 90)
                i.may_happen(i.world.notify(i.status, i.now()));
            else if (what < 95)
                i.may_happen(i.world.emptiness());
            else
                i.goes_to_next_deadline();

            if (i.random.chance(20))
                i.happens(output_ended{i.status.last_run.invocation, "the last words\n"});
            const std::uint64_t later = i.status.last_serial + 1 + i.random.below(3);
            for (const std::uint64_t serial : {std::uint64_t{0}, later}) {
                for (const event& e : strange_facts(serial)) {
                    CAPTURE(describe(e), to_text(i.status.state));
                    const step_result r = step(i.program, i.status, e, i.now(), {9, 9});
                    REQUIRE(r.next == i.status);
                    REQUIRE(r.actions.empty());
                }
            }
        }
    }
}

TEST_CASE("a program that hangs is killed by its watchdog and comes back", "[machine][property]")
{
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        lone_instance i(seed, 0);
        program_config& p = i.program;
        if (p.type == service_type::oneshot) continue; // has no watchdog
        if (p.type == service_type::forking) p.pid_file = "/run/worker.pid";
        p.restart = restart_mode::always;
        p.restart_sec = 1s;
        p.restart_prevent_exit_status = {};
        p.start_limit_burst = 0;
        p.watchdog = 10s;
        p.runtime_max = infinity;
        p.notify = notify_access::all;
        if (p.kill == kill_mode::none) p.kill = kill_mode::control_group;
        CAPTURE(seed, to_json(format_program(p)));

        i.happens(start_requested{});
        unsigned hangs = 0;
        for (int turn = 0; turn < 1000 && i.status.n_restarts < 5; ++turn) {
            i.may_happen(i.world.answer());
            if (i.status.control_pid != 0) {
                if (p.type == service_type::forking && i.status.state == sub_state::start) i.world.fork();
                i.may_happen(i.world.exit_of(i.status.control_serial));
            }
            for (int n = 0; n < 50 && i.status.sought_serial != 0; ++n) // its PID file comes in time
                i.may_happen(i.world.answer());
            if (i.status.state == sub_state::start && i.status.main_pid != 0 && is_notify(p.type)) {
                const notify_message ready{.state = notify_state::ready};
                i.happens(notified{i.status.main_pid, false, true, ready, {}, nullptr});
            }
            i.world.hang();
            if (i.status.state == sub_state::running) ++hangs;
            while (const auto end = i.world.exit(p, i.status, true))
                i.happens(*end);
            i.may_happen(i.world.emptiness());
            if (!i.world.has_to_answer() && i.status.control_pid == 0) i.goes_to_next_deadline();
            if (i.status.state == sub_state::auto_restart)
                REQUIRE(i.status.result == service_result::watchdog);
        }
        CHECK(i.status.n_restarts == 5);
        CHECK(hangs >= 5);
    }
}
