// restart-decisions.tsv and exec-stop-post-env.tsv: every policy, cause and type, on the pure core. What
// became of the program, which states it passed through, what its commands after the end were told, and where
// a loop of restarts comes to rest.
#include "common/signal_name.h"
#include "tests/support/catch.h"
#include "tests/support/oracle.h"
#include "tests/support/oracle_command.h"
#include "tests/support/oracle_simulation.h"
#include "tests/support/oracle_steps.h"

#include <algorithm>
#include <iostream>

using namespace procctl;
using namespace procctl::oracle;
using namespace std::chrono_literals;

namespace {

// The part of a cause behind the colon: "KILL" of "ext-signal:KILL", or behind the last hyphen of
// "before-ready:ext-signal-TERM"; settings may follow.
int signal_of(const std::string& cause)
{
    const std::string name = cause.substr(0, cause.find(' '));
    const auto signal = procctl::parse_signal(name.substr(name.find_last_of(":-") + 1));
    REQUIRE(signal);
    return *signal;
}

// What comes from outside, given once.
void act_from_outside(simulation& s, const std::string& cause)
{
    if (cause.starts_with("ext-signal:") || cause.starts_with("before-ready:ext-signal-"))
        s.kill_main_from_outside(signal_of(cause));
    if (cause.starts_with("systemctl-kill:")) s.kill(signal_of(cause), signal_scope::all);
    if (cause.starts_with("stop-request:")) s.request(job_kind::stop);
    if (cause.starts_with("reload:")) s.request(job_kind::reload);
}

void run(simulation& s, const std::string& cause)
{
    s.request(job_kind::start);
    s.run_until(250ms);
    act_from_outside(s, cause);
    s.run_until(60s);
}

// Without final-sigterm, which comes and goes with the speed of the machine.
std::string comparable_path(const std::string& path)
{
    std::string kept;
    for (const std::string& state : split(path, ">"))
        if (state != "final-sigterm") kept += (kept.empty() ? "" : ">") + state;
    return kept;
}

std::string path_of(const simulation& s)
{
    std::string path;
    for (const auto& change : s.of().states)
        path += (path.empty() ? "" : ">") + std::string(to_text(change.state));
    return path;
}

void compare_state(comparison& compared, const row& r, const std::string& prefix,
                   const instance_status& status)
{
    const auto& id = r.at("id");
    const auto check = [&](const std::string& column, const std::string& ours) {
        compared.compare(id, prefix + column, r.at(prefix + column), ours);
    };
    check("result", std::string(to_text(status.result)));
    check("active_state", std::string(to_text(active_state_of(status.state))));
    check("sub_state", std::string(to_text(status.state)));
    check("exec_main_code", std::to_string(static_cast<int>(status.exec_main.code)));
    check("exec_main_status", std::to_string(status.exec_main.status));
}

// A configuration that our loader refuses is never loaded: the program stays as it was.
void compare_refused(comparison& compared, const row& r)
{
    compared.compare(r.at("id"), "start_job", r.at("start_job"), "refused: bad-setting");
    compared.compare(r.at("id"), "restarted", r.at("restarted"), "no");
    compare_state(compared, r, "", {});
    compare_state(compared, r, "loop_", {});
}

// What the first of the program's commands of this kind was told. The harness put one of its own before the
// unit's: it is the one that was looked at.
std::string variable(const simulation& s, exec_command command, const std::string& name)
{
    const auto& commands = s.of().commands;
    const auto made =
        std::ranges::find_if(commands, [&](const auto& c) { return c.command == command && c.index == 0; });
    if (made == commands.end()) return "-";
    const auto found = made->environment.find(name);
    if (found == made->environment.end()) return "unset";
    return name == "MAINPID" ? "set" : found->second;
}

bool has_run(const simulation& s, exec_command command)
{
    return std::ranges::any_of(s.of().commands, [&](const auto& c) { return c.command == command; });
}

translated_unit observed(translated_unit unit, std::vector<command> program_config::*list)
{
    auto& commands = unit.program.*list;
    commands.insert(commands.begin(), observing_command());
    return unit;
}

void compare_row(comparison& compared, const row& r, translated_unit unit)
{
    const std::string& id = r.at("id");
    const std::string& cause = r.at("cause");
    const auto check = [&](const std::string& column, const std::string& ours) {
        compared.compare(id, column, r.at(column), ours);
    };

    unit = observed(unit, &program_config::exec_stop_post);
    unit.program.restart_sec = 1h;
    simulation once(unit);
    run(once, cause);
    const bool restarted = once.status().state == sub_state::auto_restart;
    check("restarted", restarted ? "yes" : "no");
    compare_state(compared, r, "", once.status());
    check("post_ran", has_run(once, exec_command::stop_post) ? "yes" : "no");
    check("post_service_result", variable(once, exec_command::stop_post, "SERVICE_RESULT"));
    check("post_exit_code", variable(once, exec_command::stop_post, "EXIT_CODE"));
    check("post_exit_status", variable(once, exec_command::stop_post, "EXIT_STATUS"));
    // Of an exec program that ends at once these two depend on who is faster.
    if (r.at("type") != "exec" || !(cause.starts_with("exit:") || cause.starts_with("signal:"))) {
        check("start_job", systemctl_words(once.answers.at(0)));
        compared.compare(id, "state_path", comparable_path(r.at("state_path")),
                         comparable_path(path_of(once)));
    }

    unit.program.restart_sec = 50ms;
    unit.program.start_limit_interval = 1h;
    unit.program.start_limit_burst = 3;
    simulation loop(unit);
    run(loop, cause);
    check("loop_nrestarts", std::to_string(loop.status().n_restarts));
    compare_state(compared, r, "loop_", loop.status());
}

// These rows have ids of the other table; "env" tells them apart.
void compare_environment(comparison& compared, const row& r, translated_unit unit)
{
    const auto check = [&](const std::string& column, const std::string& ours) {
        compared.compare("env " + r.at("id"), column, r.at(column), ours);
    };
    unit.program.restart_sec = 1h;
    simulation s(
        observed(observed(std::move(unit), &program_config::exec_stop), &program_config::exec_stop_post));
    run(s, r.at("cause"));
    check("result", std::string(to_text(s.status().result)));
    check("exec_stop_ran", has_run(s, exec_command::stop) ? "yes" : "no");
    check("exec_stop_post_ran", has_run(s, exec_command::stop_post) ? "yes" : "no");
    for (const std::string name : {"SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS", "MAINPID"}) {
        check("stop_" + name, variable(s, exec_command::stop, name));
        check("post_" + name, variable(s, exec_command::stop_post, name));
    }
}

} // namespace

TEST_CASE("every restart decision is the one systemd takes", "[oracle]")
{
    comparison compared;
    std::set<std::string> ids;
    for (const row& r : read_table("restart-decisions")) {
        const translated_unit unit = translate_unit(r.at("unit"));
        CAPTURE(r.at("id"), r.at("cause"), r.at("unit"), unit.errors);
        ids.insert(r.at("id"));
        if (unit.errors.empty())
            REQUIRE_NOTHROW(compare_row(compared, r, unit));
        else
            compare_refused(compared, r);
    }
    std::cout << compared.summary("restart-decisions", ids.size()) << "\n";
    CHECK(compared.agrees(ids));
    CHECK(ids.size() == 1767);
    CHECK(compared.values_compared() == 31720);
}

TEST_CASE("commands after the end are told of it what systemd tells", "[oracle]")
{
    comparison compared;
    std::set<std::string> ids;
    for (const row& r : read_table("exec-stop-post-env")) {
        const translated_unit unit = translate_unit(r.at("unit"));
        CAPTURE(r.at("id"), r.at("cause"), r.at("unit"), unit.errors);
        REQUIRE(unit.errors.empty());
        ids.insert("env " + r.at("id"));
        REQUIRE_NOTHROW(compare_environment(compared, r, unit));
    }
    std::cout << compared.summary("exec-stop-post-env", ids.size()) << "\n";
    CHECK(compared.agrees(ids));
    CHECK(ids.size() == 375);
    CHECK(compared.values_compared() == 4125);
}
