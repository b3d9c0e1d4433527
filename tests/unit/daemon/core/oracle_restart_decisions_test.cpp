// Every row of tests/oracle/restart-decisions.tsv that this version can express, on the pure core.
#include "common/signal_name.h"
#include "tests/support/catch.h"
#include "tests/support/oracle.h"
#include "tests/support/oracle_simulation.h"

#include <iostream>

#include <signal.h>

using namespace procctl;
using namespace procctl::oracle;
using namespace std::chrono_literals;

namespace {

// The part of a cause behind the colon: "KILL" of "ext-signal:KILL".
int signal_of(const std::string& cause)
{
    const auto signal = procctl::parse_signal(cause.substr(cause.find(':') + 1));
    REQUIRE(signal);
    return *signal;
}

// What comes from outside, given once.
void act_from_outside(simulation& s, const std::string& cause)
{
    if (cause.starts_with("ext-signal:")) s.kill_main_from_outside(signal_of(cause));
    if (cause.starts_with("systemctl-kill:")) s.kill(signal_of(cause), signal_scope::group);
    if (cause.starts_with("stop-request:")) s.request(job_kind::stop);
}

void run(simulation& s, const std::string& cause)
{
    s.request(job_kind::start);
    s.run_until(200ms);
    act_from_outside(s, cause);
    s.run_until(30s);
}

std::string path_in_words(const simulation& s)
{
    std::string path;
    for (const auto& change : s.states) {
        path += path.empty() ? "" : ">";
        path += to_text(change.state);
    }
    return path;
}

// Without stop-post, in which the measuring harness ran, and without final-sigterm, which comes and goes with
// the speed of the machine.
std::string comparable_path(const std::string& path)
{
    std::string kept;
    for (const std::string& state : split(path, ">")) {
        if (state == "stop-post" || state == "final-sigterm") continue;
        kept += kept.empty() ? "" : ">";
        kept += state;
    }
    return kept;
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

void compare_row(comparison& compared, const row& r, program_config program)
{
    const std::string& id = r.at("id");
    const std::string& cause = r.at("cause");

    program.restart_sec = 1h;
    simulation once(program);
    run(once, cause);
    const bool restarted = once.status().state == sub_state::auto_restart;
    compared.compare(id, "restarted", r.at("restarted"), restarted ? "yes" : "no");
    compare_state(compared, r, "", once.status());
    // Of an exec program that ends at once these two depend on who is faster.
    if (r.at("type") != "exec" || !(cause.starts_with("exit:") || cause.starts_with("signal:"))) {
        const std::string& measured = r.at("start_job");
        compared.compare(id, "start_job", measured.starts_with("failed") ? "failed" : measured,
                         start_job_word(once.outcomes.at(0)));
        compared.compare(id, "state_path", comparable_path(r.at("state_path")),
                         comparable_path(path_in_words(once)));
    }

    program.restart_sec = 50ms;
    program.start_limit_interval = 1h;
    program.start_limit_burst = 3;
    simulation loop(program);
    run(loop, cause);
    compared.compare(id, "loop_nrestarts", r.at("loop_nrestarts"), std::to_string(loop.status().n_restarts));
    compare_state(compared, r, "loop_", loop.status());
}

} // namespace

TEST_CASE("every restart decision is the one systemd takes", "[oracle]")
{
    comparison compared;
    std::set<std::string> ids;
    std::size_t of_other_types = 0;
    std::size_t with_other_keys = 0;
    for (const row& r : read_table("restart-decisions")) {
        const std::string& type = r.at("type");
        if (type != "simple" && type != "exec" && type != "oneshot") {
            ++of_other_types;
            continue;
        }
        std::string errors;
        const std::optional<program_config> program = translate_unit(r.at("unit"), errors);
        if (!program) {
            ++with_other_keys;
            continue;
        }
        CAPTURE(r.at("id"), r.at("cause"), r.at("unit"), errors);
        ids.insert(r.at("id"));
        if (errors.empty())
            REQUIRE_NOTHROW(compare_row(compared, r, *program));
        else
            compare_refused(compared, r);
    }
    std::cout << "oracle: restart-decisions: " << ids.size() << " rows, " << compared.values_compared()
              << " values, " << compared.expected_differences()
              << " expected differences; not of this version: " << of_other_types << " rows of other types, "
              << with_other_keys << " with other keys\n";

    CHECK(compared.agrees(ids));
    CHECK(ids.size() >= 949); // more only when there are more keys
}
