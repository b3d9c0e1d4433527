// Every (situation, event) pair of the machine, printed for review into tests/golden/instance_machine.txt.
// UPDATE_GOLDEN=1 rewrites it.
#include "tests/support/golden.h"
#include "tests/support/happenings.h"

#include <map>
#include <set>
#include <sstream>

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

namespace {

step_result step_now(const program_config& program, const instance_status& from, const event& e)
{
    instant now = t0;
    if (std::holds_alternative<time_passed>(e)) {
        now.monotonic = next_deadline(from);
        now.wall += now.monotonic - t0.monotonic;
    }
    return step(program, from, e, now, {1, from.invocation.serial + 1});
}

struct situation {
    std::string name; // begins with the sub state
    instance_status status;
};

struct way {
    std::string name;
    std::vector<happening> happenings;
};

// The situations that an instance of this program can be in, as far as they differ in what an event does. A
// way that this program cannot go, or that leads elsewhere with it, is left out.
std::vector<situation> situations_of(const program_config& program, const std::vector<way>& ways)
{
    std::vector<situation> situations;
    for (const way& w : ways) {
        instance_status status;
        bool is_passable = true;
        for (const happening h : w.happenings) {
            const std::optional<event> e = h(status);
            is_passable = is_passable && e.has_value();
            if (e) status = step_now(program, status, *e).next;
        }
        const std::string state(to_text(status.state));
        const bool is_of_that_name = w.name == state || w.name.starts_with(state + ",");
        const bool is_new = std::ranges::find(situations, w.name, &situation::name) == situations.end();
        if (is_passable && is_of_that_name && is_new) situations.push_back({w.name, status});
    }
    return situations;
}

// A program without commands around its main process.
const std::vector<way> plain_ways{
    {"dead", {}},
    {"dead, its conditions are checked", {start}},
    {"start, process ordered", {start}},
    {"start, process ordered", {start, met}},
    {"start", {start, begin}},
    {"start, process could not execute", {start, begin_badly}},
    {"start, last command", {start, begin, main_0, begin}},
    {"start, main process sought", {start, begin, control_0_others}},
    {"start, main ended, others live", {start, begin, main_0_others}},
    {"start, parent lives, main process named", {start, begin, child_named}},
    {"running", {start, begin}},
    {"running", {start, begin, ready}},
    {"running", {start, begin, control_0_others, found}},
    {"running", {start, met, begin}},
    {"running, main process unknown", {start, begin, control_0_others, not_found}},
    {"running, main process unknown", {start, begin, control_0_others}},
    {"running, main ended, others live", {start, begin, main_0_others}},
    {"running, watchdog on", {start, begin, ping}},
    {"exited", {start, begin, main_0, begin, main_0}},
    {"exited", {start, begin, main_0}},
    {"exited", {start, begin, ready, main_0}},
    {"reload, by itself", {start, begin, reloading}},
    {"reload, by itself", {start, begin, ready, reloading}},
    {"reload-signal", {start, begin, ready, reload}},
    {"reload-signal, again requested", {start, begin, ready, reload, reload}},
    {"reload-notify", {start, begin, ready, reload, reloading}},
    {"reload-notify, again requested", {start, begin, ready, reload, reloading, reload}},
    {"stop-watchdog", {start, begin, trigger}},
    {"stop-sigterm, on request", {start, begin, stop}},
    {"stop-sigterm, on request", {start, begin, ready, stop}},
    {"stop-sigterm, on request", {start, begin, control_0_others, found, stop}},
    {"stop-sigterm, for a restart", {start, begin, restart}},
    {"stop-sigterm, by itself", {start, begin, ready, stopping}},
    {"stop-sigterm, main ended, others live", {start, begin, main_1_others}},
    {"stop-sigkill, on request", {start, begin, stop, time_runs_out}},
    {"stop-sigkill, main ended, others live", {start, begin, main_1_others, time_runs_out}},
    {"final-sigterm, others live", {start, begin, stop, main_0_others}},
    {"final-sigterm, main would not die", {start, begin, stop, time_runs_out, time_runs_out}},
    {"final-sigkill, others live", {start, begin, stop, main_0_others, time_runs_out}},
    {"final-sigkill, main would not die", {start, begin, stop, time_runs_out, time_runs_out, time_runs_out}},
    {"auto-restart", {start, begin, main_1}},
    {"failed", {start, begin, main_1, time_runs_out, begin, main_1, time_runs_out}},
    {"failed, its conditions are checked",
     {start, met, begin, main_1, time_runs_out, met, begin, main_1, time_runs_out, met, start}},
};

// One with commands of every kind: two exec_start_pre, one of the others.
const std::vector<way> command_ways{
    {"condition, command ordered", {start}},
    {"condition", {start, begin}},
    {"start-pre, command ordered", {start, begin, control_0}},
    {"start-pre", {start, begin, control_0, begin}},
    {"start-pre, second command ordered", {start, begin, control_0, begin, control_0}},
    {"start-pre, second command", {start, begin, control_0, begin, control_0, begin}},
    {"start, process ordered", {start, begin, control_0, begin, control_0, begin, control_0}},
    {"start-post, command ordered", {start, begin, control_0, begin, control_0, begin, control_0, begin}},
    {"start-post", {start, begin, control_0, begin, control_0, begin, control_0, begin, begin}},
    {"start-post, main ended",
     {start, begin, control_0, begin, control_0, begin, control_0, begin, begin, main_1}},
    {"running", {start, begin, control_0, begin, control_0, begin, control_0, begin, begin, control_0}},
    {"reload, command ordered",
     {start, begin, control_0, begin, control_0, begin, control_0, begin, begin, control_0, reload}},
    {"reload",
     {start, begin, control_0, begin, control_0, begin, control_0, begin, begin, control_0, reload, begin}},
    {"reload, main ended",
     {start, begin, control_0, begin, control_0, begin, control_0, begin, begin, control_0, reload, begin,
      main_0}},
    {"stop, command ordered",
     {start, begin, control_0, begin, control_0, begin, control_0, begin, begin, control_0, stop}},
    {"stop",
     {start, begin, control_0, begin, control_0, begin, control_0, begin, begin, control_0, stop, begin}},
    {"stop, main ended",
     {start, begin, control_0, begin, control_0, begin, control_0, begin, begin, control_0, stop, begin,
      main_0}},
    {"stop-watchdog, main and control live",
     {start, begin, control_0, begin, control_0, begin, control_0, begin, begin, trigger}},
    {"stop-sigterm, control lives", {start, begin, control_0, begin, stop}},
    {"stop-sigterm, main and control live",
     {start, begin, control_0, begin, control_0, begin, control_0, begin, begin, stop}},
    {"stop-sigkill, main and control live",
     {start, begin, control_0, begin, control_0, begin, control_0, begin, begin, stop, time_runs_out}},
    {"stop-post, command ordered", {start, begin, control_1}},
    {"stop-post", {start, begin, control_1, begin}},
    {"stop-post, main would not die",
     {start, begin, control_0, begin, control_0, begin, control_0, begin, begin, control_0, trigger,
      time_runs_out, time_runs_out, begin}},
    {"final-watchdog", {start, begin, control_1, begin, time_runs_out}},
    {"final-sigterm", {start, begin, control_1, begin, time_runs_out}},
    {"final-sigkill", {start, begin, control_1, begin, time_runs_out, time_runs_out}},
    {"auto-restart", {start, begin, control_0, begin, control_1, begin, control_0}},
};

void add_job(std::string& notes, bool before, bool after, const char* name)
{
    if (!before && after) notes += (notes.empty() ? "" : ", ") + std::string(name) + " job waits";
}

// "stop-sigterm [pending start]: send_signal SIGTERM all": the next state, what is remembered, the orders.
std::string in_words(const instance_status& before, const step_result& r)
{
    const instance_status& next = r.next;
    std::string notes;
    const auto note = [&](const std::string& text) { notes += (notes.empty() ? "" : ", ") + text; };
    if (next.pending == pending_job::start) note("pending start");
    if (next.pending == pending_job::restart) note("pending restart");
    if (next.stop_requested && !is_down(next)) note("will not restart");
    if (next.result != before.result) note("result " + std::string(to_text(next.result)));
    if (next.reload_result != before.reload_result)
        note("reload result " + std::string(to_text(next.reload_result)));
    if (next.reload_again && !before.reload_again) note("reloads again");
    if (next.n_restarts != before.n_restarts) note("n_restarts " + std::to_string(next.n_restarts));
    add_job(notes, before.start_job, next.start_job, "start");
    add_job(notes, before.stop_job, next.stop_job, "stop");
    add_job(notes, before.restart_job, next.restart_job, "restart");
    add_job(notes, before.reload_job, next.reload_job, "reload");
    if (next.deadline != never && next.deadline != before.deadline) note("timer set");
    if (next.deadline == never && before.deadline != never) note("timer off");
    if (next.watchdog_deadline != never && next.watchdog_deadline != before.watchdog_deadline)
        note("watchdog on");
    if (next.watchdog_deadline == never && before.watchdog_deadline != never) note("watchdog off");
    if (next.ignored_notifications != before.ignored_notifications) note("not admitted");
    if (next.check_serial == 0 && before.check_serial != 0 && is_down(next)) note("check over");
    if (next.condition_failed && !before.condition_failed) note("condition failed");
    if (next.start_limit_refused && !before.start_limit_refused) note("start limit hit");
    if (next.last_run.output != before.last_run.output) note("output kept");
    if (before.start_limit.starts != 0 && next.start_limit.starts == 0) note("start limit cleared");

    std::string text(to_text(next.state));
    if (!notes.empty()) text += " [" + notes + "]";
    std::string orders;
    for (const action& a : r.actions)
        orders += (orders.empty() ? ": " : ", ") + describe(a);
    if (orders.empty() && next == before) return "-";
    return text + orders;
}

// Names the process where the event does not.
std::string name_of(const instance_status& s, const event& e)
{
    std::string name = describe(e);
    if (const auto* exited = std::get_if<process_exited>(&e))
        name.replace(0, std::string("process").size(), exited->serial == s.main_serial ? "main" : "control");
    return name;
}

using answers = std::vector<std::pair<std::string, std::string>>; // "running + stop_requested", "stop-…"

answers dump(const program_config& program, const std::vector<way>& ways)
{
    answers all;
    for (const situation& s : situations_of(program, ways)) {
        for (const happening h : all_happenings) {
            const std::optional<event> e = h(s.status);
            if (!e) continue;
            const std::string pair = s.name + " + " + name_of(s.status, *e);
            if (std::ranges::find(all, pair, &answers::value_type::first) == all.end())
                all.emplace_back(pair, in_words(s.status, step_now(program, s.status, *e)));
        }
    }
    return all;
}

program_config representative(service_type type)
{
    program_config program;
    program.name = "worker";
    program.type = type;
    program.exec_start = commands({"/bin/worker"});
    program.restart = restart_mode::on_failure;
    program.notify = notify_access::main;
    if (type == service_type::oneshot) {
        program.exec_start.push_back({{"/bin/second"}});
        program.timeout_start = 60s;
    }
    program.timeout_stop = 30s;
    program.start_limit_burst = 2; // so that a second restart is refused
    return program;
}

program_config with_commands(service_type type = service_type::simple)
{
    program_config program = representative(type);
    program.exec_condition = commands({"/bin/condition"});
    program.exec_start_pre = commands({"/bin/pre", "/bin/pre2"});
    program.exec_start_post = commands({"/bin/post"});
    program.exec_reload = commands({"/bin/reload"});
    program.exec_stop = commands({"/bin/stop"});
    program.exec_stop_post = commands({"/bin/stop-post"});
    return program;
}

struct variant_of_program {
    std::string title;
    program_config program;
};

std::vector<variant_of_program> plain_variants()
{
    std::vector<variant_of_program> all;
    const auto add_type = [&](const std::string& title, service_type type, auto change) {
        all.push_back({title, representative(type)});
        change(all.back().program);
    };
    const auto add = [&](const std::string& title, auto change) {
        add_type(title, service_type::simple, change);
    };
    const auto as_it_is = [](program_config&) {};
    using enum service_type;
    add_type("type: exec", exec, as_it_is);
    add_type("type: oneshot, two commands", oneshot, as_it_is);
    add_type("type: oneshot, two commands, remain_after_exit", oneshot,
             [](program_config& p) { p.remain_after_exit = true; });
    add_type("type: forking, guess_main_pid", forking, as_it_is);
    add_type("type: forking, guess_main_pid: false", forking,
             [](program_config& p) { p.guess_main_pid = false; });
    add_type("type: forking, pid_file, notify_access: all", forking, [](program_config& p) {
        p.pid_file = "/run/worker.pid";
        p.notify = notify_access::all;
    });
    add_type("type: notify", notify, as_it_is);
    add_type("type: notify, watchdog_sec: 10s, timeout_start_failure_mode: abort", notify,
             [](program_config& p) {
                 p.watchdog = 10s;
                 p.timeout_start_failure = timeout_failure_mode::abort;
             });
    add_type("type: notify-reload", notify_reload, as_it_is);
    add_type("type: notify-reload, exec_reload, reload_signal: SIGUSR2", notify_reload,
             [](program_config& p) {
                 p.exec_reload = commands({"/bin/reload"});
                 p.reload_signal = SIGUSR2;
             });
    add("notify_access: none", [](program_config& p) { p.notify = notify_access::none; });
    add("watchdog_sec: 10s, file_descriptor_store_max: 4", [](program_config& p) {
        p.watchdog = 10s;
        p.file_descriptor_store_max = 4;
    });
    add("condition_path_exists, on_failure, on_success", [](program_config& p) {
        p.condition_path_exists = {{"/run/x"}};
        p.on_failure = p.on_success = {"mailer"};
    });
    add("success_action, failure_action, start_limit_action: exit", [](program_config& p) {
        p.success_action = p.failure_action = p.start_limit_action = emergency_action::exit;
    });
    add("remain_after_exit", [](program_config& p) { p.remain_after_exit = true; });
    add("runtime_max_sec: 1h", [](program_config& p) { p.runtime_max = 1h; });
    add("exit_type: cgroup", [](program_config& p) { p.exit = exit_type::cgroup; });
    add("kill_mode: mixed", [](program_config& p) { p.kill = kill_mode::mixed; });
    add("kill_mode: process", [](program_config& p) { p.kill = kill_mode::process; });
    add("kill_mode: none", [](program_config& p) { p.kill = kill_mode::none; });
    add("send_sigkill: false", [](program_config& p) { p.send_sigkill = false; });
    add("timeout_stop_failure_mode: abort",
        [](program_config& p) { p.timeout_stop_failure = timeout_failure_mode::abort; });
    add("timeout_stop_failure_mode: kill",
        [](program_config& p) { p.timeout_stop_failure = timeout_failure_mode::kill; });
    add("send_sighup, kill_signal: SIGQUIT, restart_kill_signal: SIGUSR1, final_kill_signal: SIGABRT",
        [](program_config& p) {
            p.send_sighup = true;
            p.kill_signal = SIGQUIT;
            p.restart_kill_signal = SIGUSR1;
            p.final_kill_signal = SIGABRT;
        });
    return all;
}

std::vector<variant_of_program> command_variants()
{
    std::vector<variant_of_program> all;
    const auto add = [&](const std::string& title, auto change) {
        all.push_back({title, with_commands()});
        change(all.back().program);
    };
    using enum timeout_failure_mode;
    add("timeout_start_failure_mode and timeout_stop_failure_mode: abort",
        [](program_config& p) { p.timeout_start_failure = p.timeout_stop_failure = abort; });
    add("timeout_start_failure_mode and timeout_stop_failure_mode: kill",
        [](program_config& p) { p.timeout_start_failure = p.timeout_stop_failure = kill; });
    add("all commands with '-'", [](program_config& p) {
        for (std::vector<command>* const list : {&p.exec_condition, &p.exec_start_pre, &p.exec_start_post,
                                                 &p.exec_reload, &p.exec_stop, &p.exec_stop_post})
            for (command& c : *list)
                c.ignore_failure = true;
    });
    add("kill_mode: mixed", [](program_config& p) { p.kill = kill_mode::mixed; });
    add("kill_mode: none", [](program_config& p) { p.kill = kill_mode::none; });
    add("send_sigkill: false", [](program_config& p) { p.send_sigkill = false; });
    add("exit_type: cgroup", [](program_config& p) { p.exit = exit_type::cgroup; });
    return all;
}

// Events of a situation that have the same answer share a line, and a situation that answers like one before
// says so.
void print(std::ostream& out, const answers& shown)
{
    using group = std::vector<std::pair<std::string, std::string>>; // answer, events
    std::vector<std::pair<std::string, group>> situations;
    for (const auto& [pair, answer] : shown) {
        const std::size_t plus = pair.find(" + ");
        const std::string name = pair.substr(0, plus);
        const std::string happened = pair.substr(plus + 3);
        if (situations.empty() || situations.back().first != name) situations.emplace_back(name, group{});
        group& answered = situations.back().second;
        const auto same = std::ranges::find(answered, answer, &group::value_type::first);
        if (same == answered.end())
            answered.emplace_back(answer, happened);
        else
            same->second += ", " + happened;
    }
    for (const auto& [name, answered] : situations) {
        const auto like = std::ranges::find(situations, answered, &std::pair<std::string, group>::second);
        out << '\n';
        if (like->first != name) {
            out << name << ": as " << like->first << '\n';
            continue;
        }
        for (const auto& [answer, events] : answered)
            out << name << " + " << events << " -> " << answer << '\n';
    }
}

void print_with_variants(std::ostream& out, const std::string& title, const program_config& program,
                         const std::vector<way>& ways, const std::vector<variant_of_program>& variants)
{
    const answers base = dump(program, ways);
    out << "\n\n# " << title << '\n';
    print(out, base);
    const std::map<std::string, std::string> known(base.begin(), base.end());
    for (const auto& [name, other] : variants) {
        answers different;
        for (const auto& line : dump(other, ways))
            if (const auto found_there = known.find(line.first);
                found_there == known.end() || found_there->second != line.second)
                different.push_back(line);
        out << "\n## " << name << ": where it differs\n";
        print(out, different);
    }
}

std::string whole_dump()
{
    std::ostringstream out;
    out << "What the machine answers to every event that is possible in a situation. \"-\": nothing happens, "
           "nothing is\nremembered. Written by instance_machine_golden_test; UPDATE_GOLDEN=1 rewrites it.";
    print_with_variants(out, "type: simple, restart: on-failure, start_limit_burst: 2, notify_access: main",
                        representative(service_type::simple), plain_ways, plain_variants());
    print_with_variants(out, "the same with commands of every kind, two of them exec_start_pre",
                        with_commands(), command_ways, command_variants());
    return out.str();
}

// --- What must hold in all of them

std::optional<job_kind> request_of(const event& e)
{
    if (std::holds_alternative<start_requested>(e)) return job_kind::start;
    if (std::holds_alternative<stop_requested>(e)) return job_kind::stop;
    if (std::holds_alternative<restart_requested>(e)) return job_kind::restart;
    if (std::holds_alternative<reload_requested>(e)) return job_kind::reload;
    return std::nullopt;
}

bool is_remembered(const instance_status& s, job_kind kind)
{
    switch (kind) {
    case job_kind::start: return s.start_job;
    case job_kind::stop: return s.stop_job;
    case job_kind::restart: return s.restart_job;
    case job_kind::reload: return s.reload_job;
    case job_kind::try_restart: return false;
    }
    return false;
}

void check_all(const variant_of_program& v, const std::vector<way>& ways, std::set<sub_state>& seen)
{
    for (const situation& s : situations_of(v.program, ways)) {
        seen.insert(s.status.state);
        for (const happening h : all_happenings) {
            const std::optional<event> e = h(s.status);
            if (!e) continue;
            const step_result r = step_now(v.program, s.status, *e);
            CAPTURE(v.title, s.name, describe(*e), in_words(s.status, r));

            if (const auto kind = request_of(*e)) {
                int given = 0;
                for (const action& a : r.actions)
                    if (const auto* finished = std::get_if<finish_job>(&a))
                        given += finished->kind == *kind ? 1 : 0;
                CHECK(given + (is_remembered(r.next, *kind) ? 1 : 0) == 1);
            }
            const active_state active = active_state_of(r.next.state);
            if (active == active_state::deactivating || r.next.state == sub_state::auto_restart)
                CHECK(r.next.deadline != never);
            if (is_down(r.next)) CHECK(next_deadline(r.next) == never);
        }
    }
}

} // namespace

TEST_CASE("what the machine answers to every event in every state", "[golden]")
{
    check_golden("instance_machine.txt", whole_dump());
}

TEST_CASE("no request is lost, every state that waits can end, and every state is in the dump", "[machine]")
{
    std::vector<variant_of_program> plain = plain_variants();
    plain.push_back({"type: simple", representative(service_type::simple)});
    std::vector<variant_of_program> commanded = command_variants();
    commanded.push_back({"with commands", with_commands()});
    std::set<sub_state> seen;
    for (const variant_of_program& v : plain)
        check_all(v, plain_ways, seen);
    for (const variant_of_program& v : commanded)
        check_all(v, command_ways, seen);
    CHECK(seen.size() == 20);
}
