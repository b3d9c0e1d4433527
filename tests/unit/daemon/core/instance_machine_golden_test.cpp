// Every (state, event) pair of the machine, printed for review into tests/golden/instance_machine.txt.
// UPDATE_GOLDEN=1 rewrites it.
#include "common/exit_status.h"
#include "daemon/core/instance_machine.h"
#include "tests/support/catch.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include <signal.h>

using namespace procctl;
using namespace std::chrono_literals;

namespace {

const instant t0{time_point{} + 1h, wall_time{} + 24h};

constexpr process_end exit_0{exit_code_kind::exited, 0};
constexpr process_end exit_1{exit_code_kind::exited, 1};

// Fills in the serial of the present main process, and for time_passed a moment at which something is due.
step_result step_now(const program_config& program, const instance_status& from, event e)
{
    instant now = t0;
    if (auto* fact = std::get_if<main_started>(&e)) fact->serial = from.main_serial;
    if (auto* fact = std::get_if<main_not_started>(&e)) fact->serial = from.main_serial;
    if (auto* fact = std::get_if<main_exited>(&e)) fact->serial = from.main_serial;
    if (auto* fact = std::get_if<leftovers_gone>(&e)) fact->serial = from.main_serial;
    if (std::holds_alternative<time_passed>(e)) {
        const time_point due = next_deadline(from);
        now.monotonic = due == never ? t0.monotonic + 1000s : due;
        now.wall += now.monotonic - t0.monotonic;
    }
    return step(program, from, e, now, {1, from.invocation.serial + 1});
}

instance_status after(const program_config& program, const std::vector<event>& events)
{
    instance_status status;
    for (const event& e : events)
        status = step_now(program, status, e).next;
    return status;
}

struct situation {
    std::string name; // begins with the sub state
    instance_status status;
};

// The situations an instance of this program can be in, as far as they differ in what an event does.
std::vector<situation> situations_of(const program_config& program)
{
    const event started = main_started{0, 100, {}};
    const event failed_to_execute = main_started{0, 100, {203, 2}};
    const event ended_well = main_exited{0, exit_0, false};
    const event ended_badly = main_exited{0, exit_1, false};
    const event ended_before_others = main_exited{0, exit_1, true};
    const std::vector<std::pair<std::string, std::vector<event>>> ways{
        {"dead", {}},
        {"start, process ordered", {start_requested{}}},
        {"start, process lives", {start_requested{}, started}},
        {"start, process could not execute", {start_requested{}, failed_to_execute}},
        {"start, last command", {start_requested{}, started, ended_well, started}},
        {"running", {start_requested{}, started}},
        {"exited", {start_requested{}, started, ended_well, started, ended_well}},
        {"exited", {start_requested{}, started, ended_well}},
        {"stop-sigterm, on request", {start_requested{}, started, stop_requested{}}},
        {"stop-sigterm, for a restart", {start_requested{}, started, restart_requested{}}},
        {"stop-sigterm, main ended, others live", {start_requested{}, started, ended_before_others}},
        {"stop-sigkill, on request", {start_requested{}, started, stop_requested{}, time_passed{}}},
        {"stop-sigkill, main ended, others live",
         {start_requested{}, started, ended_before_others, time_passed{}}},
        {"final-sigterm, others live", {start_requested{}, started, stop_requested{}, ended_before_others}},
        {"final-sigterm, main would not die",
         {start_requested{}, started, stop_requested{}, time_passed{}, time_passed{}}},
        {"final-sigkill, others live",
         {start_requested{}, started, stop_requested{}, ended_before_others, time_passed{}}},
        {"auto-restart", {start_requested{}, started, ended_badly}},
        {"failed", {start_requested{}, main_not_started{}, stop_requested{}}},
    };
    std::vector<situation> situations;
    for (const auto& [name, way] : ways) {
        instance_status status = after(program, way);
        if (name == "failed") { // whatever the policy would have done next
            status.state = status.announced = sub_state::failed;
            status.result = service_result::exit_code;
        }
        const std::string state(to_text(status.state));
        const bool is_of_that_name = name == state || name.starts_with(state + ",");
        const bool is_new = situations.empty() || situations.back().name != name;
        if (is_of_that_name && is_new) situations.push_back({name, status});
    }
    return situations;
}

std::vector<event> all_events()
{
    return {start_requested{},
            stop_requested{},
            restart_requested{},
            reset_failed_requested{},
            hurry_requested{},
            main_started{0, 200, {}},
            main_started{0, 200, {203, 2}},
            main_not_started{},
            main_exited{0, exit_0, false},
            main_exited{0, exit_1, false},
            main_exited{0, {exit_code_kind::killed, SIGTERM}, true},
            leftovers_gone{},
            time_passed{}};
}

// "stop-sigterm [pending start]: send_signal SIGTERM group": the next state, what is remembered, the orders.
std::string in_words(const instance_status& before, const step_result& r)
{
    const instance_status& next = r.next;
    std::string notes;
    const auto note = [&](const std::string& text) { notes += (notes.empty() ? "" : ", ") + text; };
    if (next.pending == pending_job::start) note("pending start");
    if (next.pending == pending_job::restart) note("pending restart");
    if (next.stop_requested && !is_down(next)) note("will not restart");
    if (next.result != before.result) note("result " + std::string(to_text(next.result)));
    if (next.n_restarts != before.n_restarts) note("n_restarts " + std::to_string(next.n_restarts));
    const time_point deadline = next_deadline(next);
    if (deadline != never && deadline != next_deadline(before)) note("timer set");
    if (deadline == never && next_deadline(before) != never) note("timer off");
    if (next.start_limit_refused) note("start limit hit");
    if (before.start_limit.starts != 0 && next.start_limit.starts == 0) note("start limit cleared");

    std::string text(to_text(next.state));
    if (!notes.empty()) text += " [" + notes + "]";
    std::string orders;
    for (const action& a : r.actions)
        orders += (orders.empty() ? ": " : ", ") + describe(a);
    if (orders.empty() && next == before) return "-";
    return text + orders;
}

using lines =
    std::vector<std::pair<std::string, std::string>>; // "running + stop_requested", "stop-sigterm …"

lines dump(const program_config& program)
{
    lines all;
    for (const situation& s : situations_of(program))
        for (const event& e : all_events())
            all.emplace_back(s.name + " + " + describe(e),
                             in_words(s.status, step_now(program, s.status, e)));
    return all;
}

program_config representative(service_type type)
{
    program_config program;
    program.name = "worker";
    program.type = type;
    program.exec_start = {{{"/bin/worker"}}};
    program.restart = restart_mode::on_failure;
    if (type == service_type::oneshot) {
        program.exec_start.push_back({{"/bin/second"}});
        program.timeout_start = 60s;
    }
    program.start_limit_burst = 2; // so that a second restart is refused
    return program;
}

struct variant_of_program {
    std::string title;
    program_config program;
};

std::vector<variant_of_program> variants()
{
    std::vector<variant_of_program> all;
    const program_config simple = representative(service_type::simple);
    const auto add = [&](const std::string& title, auto change) {
        all.push_back({title, simple});
        change(all.back().program);
    };
    all.push_back({"type: exec", representative(service_type::exec)});
    all.push_back({"type: oneshot, two commands", representative(service_type::oneshot)});
    all.push_back({"type: oneshot, two commands, remain_after_exit", representative(service_type::oneshot)});
    all.back().program.remain_after_exit = true;
    add("remain_after_exit", [](program_config& p) { p.remain_after_exit = true; });
    add("runtime_max_sec: 1h", [](program_config& p) { p.runtime_max = 1h; });
    add("kill_mode: mixed", [](program_config& p) { p.kill = kill_mode::mixed; });
    add("kill_mode: process", [](program_config& p) { p.kill = kill_mode::process; });
    add("kill_mode: none", [](program_config& p) { p.kill = kill_mode::none; });
    add("send_sigkill: false", [](program_config& p) { p.send_sigkill = false; });
    add("send_sighup, kill_signal: SIGQUIT, restart_kill_signal: SIGUSR1, final_kill_signal: SIGABRT",
        [](program_config& p) {
            p.send_sighup = true;
            p.kill_signal = SIGQUIT;
            p.restart_kill_signal = SIGUSR1;
            p.final_kill_signal = SIGABRT;
        });
    return all;
}

void print(std::ostream& out, const lines& shown)
{
    std::string situation_before;
    for (const auto& [pair, answer] : shown) {
        const std::string situation = pair.substr(0, pair.find(" + "));
        if (situation != situation_before) out << '\n';
        situation_before = situation;
        out << pair << " -> " << answer << '\n';
    }
}

std::string whole_dump()
{
    std::ostringstream out;
    const lines simple = dump(representative(service_type::simple));
    out << "# What the machine answers to every event in every situation. \"-\": nothing happens, nothing "
           "is\n"
           "# remembered. Written by instance_machine_golden_test; UPDATE_GOLDEN=1 rewrites it.\n\n"
           "## type: simple, restart: on-failure, start_limit_burst: 2\n";
    print(out, simple);
    const std::map<std::string, std::string> known(simple.begin(), simple.end());
    for (const auto& [title, program] : variants()) {
        lines different;
        for (const auto& line : dump(program))
            if (const auto found = known.find(line.first);
                found == known.end() || found->second != line.second)
                different.push_back(line);
        out << "\n## " << title << ": where it differs from the first\n";
        print(out, different);
    }
    return out.str();
}

std::optional<job_kind> request_of(const event& e)
{
    if (std::holds_alternative<start_requested>(e)) return job_kind::start;
    if (std::holds_alternative<stop_requested>(e)) return job_kind::stop;
    if (std::holds_alternative<restart_requested>(e)) return job_kind::restart;
    return std::nullopt;
}

bool is_remembered(const instance_status& s, job_kind kind)
{
    switch (kind) {
    case job_kind::start: return s.start_job;
    case job_kind::stop: return s.stop_job;
    case job_kind::restart: return s.restart_job;
    }
    return false;
}

} // namespace

TEST_CASE("what the machine answers to every event in every state", "[golden]")
{
    const std::string path = std::string(PROCCTL_SOURCE_DIR) + "/tests/golden/instance_machine.txt";
    const std::string ours = whole_dump();
    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << ours;
    std::ifstream file(path);
    std::stringstream golden;
    golden << file.rdbuf();
    // Line by line, so that a failure names the line.
    std::istringstream left(golden.str());
    std::istringstream right(ours);
    for (std::string expected, line; std::getline(right, line);) {
        std::getline(left, expected);
        REQUIRE(line == expected);
    }
    CHECK(golden.str() == ours);
}

TEST_CASE("no request is lost, and every state that waits can end", "[machine]")
{
    std::vector<variant_of_program> all = variants();
    all.push_back({"type: simple", representative(service_type::simple)});
    for (const auto& [title, program] : all) {
        for (const situation& s : situations_of(program)) {
            for (const event& e : all_events()) {
                const step_result r = step_now(program, s.status, e);
                CAPTURE(title, s.name, describe(e), in_words(s.status, r));

                if (const auto kind = request_of(e)) {
                    int answers = 0;
                    for (const action& a : r.actions)
                        if (const auto* finished = std::get_if<finish_job>(&a))
                            answers += finished->kind == *kind ? 1 : 0;
                    CHECK(answers + (is_remembered(r.next, *kind) ? 1 : 0) == 1);
                }

                const active_state active = active_state_of(r.next.state);
                const bool awaits_process = r.next.main_pid != 0 ||
                                            r.next.main_serial != s.status.main_serial ||
                                            s.name == "start, process ordered";
                if (r.next.state == sub_state::running) CHECK(r.next.main_pid != 0);
                if (r.next.state == sub_state::start) CHECK(awaits_process);
                if (active == active_state::deactivating || r.next.state == sub_state::auto_restart)
                    CHECK(r.next.deadline != never);
            }
        }
    }
}
