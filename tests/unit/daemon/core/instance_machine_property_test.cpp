// Whatever happens in whatever order, some things hold. The sequences are random, the seeds fixed.
#include "daemon/core/instance_machine.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <random>

#include <signal.h>

using namespace procctl;
using namespace std::chrono_literals;

namespace {

using generator = std::mt19937;

bool chance(generator& random, unsigned percent) { return random() % 100 < percent; }

template <class T> T pick(generator& random, std::initializer_list<T> from)
{
    return *(from.begin() + static_cast<std::ptrdiff_t>(random() % from.size()));
}

program_config random_program(generator& random)
{
    program_config p;
    p.name = "worker";
    p.type = pick(random, {service_type::simple, service_type::exec, service_type::oneshot});
    const unsigned commands = p.type == service_type::oneshot ? 1 + static_cast<unsigned>(random() % 3) : 1;
    for (unsigned i = 0; i < commands; ++i)
        p.exec_start.push_back({{"/bin/worker"}, chance(random, 20)});
    p.restart = pick(random, {restart_mode::no, restart_mode::always, restart_mode::on_success,
                              restart_mode::on_failure, restart_mode::on_abnormal, restart_mode::on_abort});
    p.restart_sec = pick<duration>(random, {0s, 100ms, 5s, infinity});
    p.start_limit_burst = pick(random, {0U, 1U, 3U, 100U});
    p.remain_after_exit = chance(random, 20);
    p.timeout_start = pick<duration>(random, {1s, 90s, infinity});
    p.timeout_stop = pick<duration>(random, {1s, 90s, infinity});
    p.runtime_max = pick<duration>(random, {2s, infinity});
    p.kill = pick(random, {kill_mode::control_group, kill_mode::control_group, kill_mode::mixed,
                           kill_mode::process, kill_mode::none});
    p.send_sigkill = chance(random, 80);
    p.send_sighup = chance(random, 20);
    if (chance(random, 30)) p.restart_force_exit_status.add_code(1);
    if (chance(random, 20)) p.restart_prevent_exit_status.add_code(2);
    return p;
}

// The world around one instance: its processes, as far as facts about them are possible, and what must hold.
class world {
public:
    explicit world(unsigned seed) : random_(seed), program_(random_program(random_)) {}

    void run(int events)
    {
        for (int i = 0; i < events; ++i) {
            if (chance(random_, 3)) now_ += pick<duration>(random_, {10ms, 1s, 20s});
            happen(next_event());
        }
    }

    // Stops it, and lets everything end.
    void end()
    {
        happen(stop_requested{});
        for (int i = 0; i < 100 && !is_down(status_); ++i) {
            if (main_lives_ && chance(random_, 50))
                happen(exit_of_main());
            else if (!main_lives_ && status_.has_leftovers)
                happen(leftovers_gone{serial_});
            else if (next_deadline(status_) != never)
                happen(due());
        }
        CHECK(is_down(status_));
        CHECK_FALSE((status_.start_job || status_.stop_job || status_.restart_job));
        CHECK(next_deadline(status_) == never);
    }

private:
    event exit_of_main()
    {
        const process_end end = pick<process_end>(random_, {{exit_code_kind::exited, 0},
                                                            {exit_code_kind::exited, 1},
                                                            {exit_code_kind::exited, 2},
                                                            {exit_code_kind::killed, SIGTERM},
                                                            {exit_code_kind::killed, SIGKILL},
                                                            {exit_code_kind::dumped, SIGSEGV}});
        return main_exited{serial_, end, chance(random_, 30)};
    }

    event due()
    {
        now_ = std::max(now_, next_deadline(status_) - time_point{});
        return time_passed{};
    }

    event next_event()
    {
        if (chance(random_, 5)) return stranger();
        if (chance(random_, 25))
            return pick<event>(random_, {start_requested{}, start_requested{}, stop_requested{},
                                         restart_requested{}, reset_failed_requested{}, hurry_requested{}});
        if (is_ordered_ && chance(random_, 70)) {
            if (chance(random_, 10)) return main_not_started{serial_};
            if (chance(random_, 5)) return main_exited{serial_, {exit_code_kind::exited, 217}, false};
            return main_started{serial_, 100, {chance(random_, 10) ? 203 : 0, 0}};
        }
        if (main_lives_ && chance(random_, 50)) return exit_of_main();
        if (!main_lives_ && status_.has_leftovers && chance(random_, 50)) return leftovers_gone{serial_};
        if (next_deadline(status_) != never) return due();
        return time_passed{};
    }

    // A fact about a process that is not, or is no longer, the instance's; it must change nothing.
    event stranger()
    {
        const std::uint64_t other = pick<std::uint64_t>(random_, {0, serial_ + 1, serial_ + 1000});
        return pick<event>(random_,
                           {main_started{other, 7, {}}, main_not_started{other},
                            main_exited{other, {exit_code_kind::exited, 0}, false}, leftovers_gone{other}});
    }

    void happen(const event& e)
    {
        const instance_status before = status_;
        const step_result r =
            step(program_, before, e, {time_point{} + now_, wall_time{} + 1h + now_}, {1, ++runs_});
        status_ = r.next;
        CAPTURE(to_text(before.state), describe(e), to_text(status_.state), now_.count());
        follow_request(e);
        follow_fact(e, before, r);
        for (const action& a : r.actions)
            follow(a, before, e);
        check_status(before, e);
    }

    void follow_request(const event& e)
    {
        if (std::holds_alternative<start_requested>(e)) awaited_[0] = true;
        if (std::holds_alternative<stop_requested>(e)) awaited_[1] = true;
        if (std::holds_alternative<restart_requested>(e)) awaited_[2] = true;
        if (std::holds_alternative<start_requested>(e) || std::holds_alternative<restart_requested>(e))
            may_start_ = true;
        if (std::holds_alternative<stop_requested>(e) || std::holds_alternative<hurry_requested>(e))
            may_start_ = false;
    }

    void follow_fact(const event& e, const instance_status& before, const step_result& r)
    {
        const auto is_mine = [&](std::uint64_t serial) { return serial == serial_ && serial != 0; };
        bool is_strange = false;
        if (const auto* fact = std::get_if<main_started>(&e)) {
            is_strange = !is_mine(fact->serial) || !is_ordered_;
            if (!is_strange) main_lives_ = true;
        }
        if (const auto* fact = std::get_if<main_not_started>(&e))
            is_strange = !is_mine(fact->serial) || !is_ordered_;
        if (const auto* fact = std::get_if<main_exited>(&e)) {
            is_strange = !is_mine(fact->serial);
            if (!is_strange) main_lives_ = false;
        }
        if (const auto* fact = std::get_if<leftovers_gone>(&e)) is_strange = !is_mine(fact->serial);
        if (is_strange) {
            REQUIRE(r.next == before);
            REQUIRE(r.actions.empty());
        }
        const bool is_answer = !is_strange && !std::holds_alternative<leftovers_gone>(e) && e.index() >= 5 &&
                               !std::holds_alternative<time_passed>(e);
        if (is_answer) is_ordered_ = false;
        if (r.next.main_serial != serial_) { // taken back, given up, or the next one
            is_ordered_ = false;
            main_lives_ = false;
        }
    }

    void follow(const action& a, const instance_status& before, const event& e)
    {
        CAPTURE(describe(a));
        if (std::holds_alternative<start_main>(a)) {
            REQUIRE_FALSE(main_lives_);
            REQUIRE_FALSE(is_ordered_);
            REQUIRE(may_start_);
            REQUIRE(status_.main_serial > serial_);
            serial_ = status_.main_serial;
            is_ordered_ = true;
        }
        if (const auto* sends = std::get_if<send_signal>(&a)) {
            REQUIRE(program_.kill != kill_mode::none);
            const bool main_lived = before.main_pid != 0 && !std::holds_alternative<main_exited>(e);
            REQUIRE(main_lived == (sends->scope != signal_scope::others));
            if (program_.kill == kill_mode::process && !std::holds_alternative<hurry_requested>(e))
                REQUIRE(sends->scope == signal_scope::main);
        }
        if (const auto* announces = std::get_if<announce_state>(&a)) {
            REQUIRE(announces->from == announced_);
            REQUIRE(announces->to != announced_);
            announced_ = announces->to;
        }
        if (const auto* finished = std::get_if<finish_job>(&a)) {
            bool& awaited = awaited_[static_cast<std::size_t>(finished->kind)];
            REQUIRE(awaited);
            awaited = false;
        }
    }

    void check_status(const instance_status& before, const event& e)
    {
        const instance_status& s = status_;
        REQUIRE(s.start_job == awaited_[0]);
        REQUIRE(s.stop_job == awaited_[1]);
        REQUIRE(s.restart_job == awaited_[2]);
        REQUIRE(s.announced == announced_);
        REQUIRE((s.main_pid != 0) == main_lives_);

        const active_state active = active_state_of(s.state);
        REQUIRE((s.state != sub_state::failed || s.result != service_result::success));
        if (active == active_state::active) REQUIRE(s.result == service_result::success);
        if (s.state == sub_state::running) REQUIRE(main_lives_);
        if (s.state == sub_state::start) REQUIRE((main_lives_ || is_ordered_));
        if (s.state == sub_state::start && !main_lives_) REQUIRE(s.main_serial == serial_);
        if (active == active_state::deactivating) {
            REQUIRE((main_lives_ || s.has_leftovers));
            if (program_.timeout_stop != infinity) REQUIRE(s.deadline != never);
        } else {
            REQUIRE(s.pending == pending_job::none);
        }
        if (s.state == sub_state::auto_restart && program_.restart_sec != infinity)
            REQUIRE(s.deadline != never);
        if (is_down(s)) REQUIRE(next_deadline(s) == never);
        if (s.state != sub_state::running) REQUIRE(s.runtime_deadline == never);

        const bool by_itself =
            before.state == sub_state::auto_restart && std::holds_alternative<time_passed>(e);
        REQUIRE((s.n_restarts == before.n_restarts || s.n_restarts == 0 ||
                 (by_itself && s.n_restarts == before.n_restarts + 1)));
        REQUIRE((s.command_index < program_.exec_start.size()));
    }

    generator random_;
    program_config program_;
    instance_status status_;
    duration now_ = 1h;
    std::uint64_t runs_ = 0;

    std::uint64_t serial_ = 0; // of the last process ordered
    bool is_ordered_ = false;  // and not answered
    bool main_lives_ = false;
    bool may_start_ = true; // nobody has asked for a stop since the last request to start
    sub_state announced_ = sub_state::dead;
    bool awaited_[3] = {}; // requests without an answer: start, stop, restart
};

} // namespace

TEST_CASE("invariants of the machine hold over random sequences of events", "[machine][property]")
{
    for (unsigned seed = 0; seed < 1000; ++seed) {
        CAPTURE(seed);
        world w(seed);
        w.run(150);
        w.end();
    }
}
