// start-limit.tsv and scenarios.tsv: several steps on one program, on the pure core in simulated time. What a
// command answered, what was shown, every state announced, and how often it was started must be systemd's.
#include "common/signal_name.h"
#include "tests/support/catch.h"
#include "tests/support/oracle.h"
#include "tests/support/oracle_simulation.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iostream>

using namespace procctl;
using namespace procctl::oracle;
using namespace std::chrono_literals;

namespace {

// "[0.23] start -> ok (returned at 3.24)"
struct scenario_step {
    std::string text;
    duration at{};      // when it was given
    std::string verb;   // "start", "kill:KILL MAINPID"
    std::string answer; // "ok", "failed: …"; empty when there was none
};

duration seconds_of(std::string_view text)
{
    double s = 0;
    std::from_chars(text.data(), text.data() + text.size(), s);
    return std::chrono::duration_cast<duration>(std::chrono::duration<double>(s));
}

scenario_step parse_step(const std::string& text)
{
    scenario_step step;
    step.text = text;
    const std::size_t close = text.find("] ");
    REQUIRE(close != std::string::npos);
    step.at = seconds_of(std::string_view(text).substr(1, close - 1));
    std::string rest = text.substr(close + 2);
    if (const std::size_t returned = rest.find(" (returned at "); returned != std::string::npos) {
        // The client took its time before the manager heard of it: the moment it was carried out lies
        // between.
        const duration until = seconds_of(std::string_view(rest).substr(returned + 14));
        step.at += std::min<duration>((until - step.at) / 2, 100ms);
        rest.resize(returned);
    }
    const std::size_t arrow = rest.find(" -> ");
    step.verb = rest.substr(0, arrow);
    if (arrow != std::string::npos) step.answer = rest.substr(arrow + 4);
    return step;
}

bool is_possible(const scenario_step& step)
{
    constexpr std::array verbs{"start", "stop",      "stop&",         "restart",  "reset-failed",
                               "show",  "is-active", "daemon-reload", "is-failed"};
    return std::ranges::find(verbs, step.verb) != verbs.end() || step.verb.starts_with("kill:") ||
           step.verb.starts_with("ctlkill:");
}

std::string shown(const instance_status& s)
{
    return std::string(to_text(active_state_of(s.state))) + '/' + std::string(to_text(s.state)) +
           " Result=" + std::string(to_text(s.result)) + " NRestarts=" + std::to_string(s.n_restarts);
}

int signal_of(const std::string& verb)
{
    const std::size_t colon = verb.find(':') + 1;
    const auto signal = parse_signal(std::string_view(verb).substr(colon, verb.find(' ') - colon));
    REQUIRE(signal);
    return *signal;
}

struct given_job {
    std::string step;
    std::string answer;
    std::size_t index;
};

// Gives one command; what it shows is compared at once, what a job answers in the end.
void give(simulation& s, comparison& compared, const std::string& id, const scenario_step& step,
          std::vector<given_job>& jobs)
{
    const std::string column = "steps_measured" + step.text.substr(0, step.text.find(']') + 1);
    const auto job = [&](job_kind kind) { jobs.push_back({column, step.answer, s.request(kind)}); };
    const active_state active = active_state_of(s.status().state);
    const std::string& verb = step.verb;
    if (verb == "start") {
        job(job_kind::start);
    } else if (verb == "restart") {
        job(job_kind::restart);
    } else if (verb == "stop") {
        job(job_kind::stop);
    } else if (verb == "stop&") {
        // In the background: its answer is reported by a second step of that name.
        if (step.answer.empty())
            job(job_kind::stop);
        else
            std::ranges::find(jobs, std::string(), &given_job::answer)->answer = step.answer;
    } else if (verb == "reset-failed") {
        s.reset_failed();
    } else if (verb == "show") {
        compared.compare(id, column, step.answer, shown(s.status()));
    } else if (verb == "is-active") {
        compared.compare(id, column, step.answer,
                         std::string(to_text(active)) + (active == active_state::active ? " rc=0" : " rc=3"));
    } else if (verb == "is-failed") {
        compared.compare(id, column, step.answer,
                         std::string(to_text(active)) + (active == active_state::failed ? " rc=0" : " rc=1"));
    } else if (verb.starts_with("kill:")) {
        s.kill_main_from_outside(signal_of(verb));
    } else if (verb.starts_with("ctlkill:")) {
        s.kill(signal_of(verb), signal_scope::group);
    } else {
        REQUIRE(verb == "daemon-reload"); // of an unchanged configuration: nothing to do
    }
}

// The states of "running@0.02 failed@0.03": their order; the times are the machine's that measured.
std::string states_measured(const std::string& text)
{
    std::string states;
    for (const std::string& item : split(text, " "))
        states += (states.empty() ? "" : " ") + item.substr(0, item.find('@'));
    return states;
}

std::string states_announced(const simulation& s)
{
    std::string states;
    for (const auto& change : s.states)
        states += (states.empty() ? "" : " ") + std::string(to_text(change.state));
    return states;
}

struct counts {
    std::set<std::string> compared;
    std::size_t not_possible = 0;
};

// `is_loop`: how far it has come depends on the speed of the machine that measured, so its course is not
// compared.
void play(comparison& compared, const row& r, const program_config& program,
          const std::vector<scenario_step>& steps, const std::string& states, const std::string& starts,
          bool is_loop)
{
    const std::string& id = r.at("id");
    simulation s(program);
    std::vector<given_job> jobs;
    for (const scenario_step& step : steps) {
        s.run_until(step.at);
        if (is_loop && step.verb == "show") continue;
        give(s, compared, id, step, jobs);
    }
    s.run_until(steps.back().at + 1ms);
    for (const given_job& job : jobs) {
        const std::string measured = job.answer.starts_with("failed") ? "failed" : job.answer;
        compared.compare(id, job.step, measured, start_job_word(s.outcomes.at(job.index)));
    }
    compared.compare(id, "result", r.at("result"), std::string(to_text(s.status().result)));
    compared.compare(id, "sub_state", r.at("sub_state"), std::string(to_text(s.status().state)));
    if (is_loop) return;
    compared.compare(id, "nrestarts", r.at("nrestarts"), std::to_string(s.status().n_restarts));
    compared.compare(id, "starts", starts, std::to_string(s.starts.size()));
    compared.compare(id, "states", states_measured(states), states_announced(s));
}

counts play_table(comparison& compared, const std::string& name)
{
    const bool is_start_limit = name == "start-limit";
    const std::set<std::string> loops{"S10", "S14", "S15", "C26", "C27"}; // NOTES.md section 6
    counts n;
    for (const row& r : read_table(name)) {
        CAPTURE(r.at("id"));
        std::vector<scenario_step> steps;
        for (const std::string& text : split(r.at("steps_measured"), "; "))
            steps.push_back(parse_step(text));
        std::string errors;
        const auto program = translate_unit(r.at(is_start_limit ? "unit" : "unit_a"), errors);
        const bool is_alone = is_start_limit || r.at("unit_b").empty();
        if (!program || !errors.empty() || !is_alone || !std::ranges::all_of(steps, is_possible)) {
            ++n.not_possible;
            continue;
        }
        n.compared.insert(r.at("id"));
        REQUIRE_NOTHROW(play(compared, r, *program, steps, r.at(is_start_limit ? "states" : "states_a"),
                             r.at(is_start_limit ? "starts_total" : "starts_a"), loops.contains(r.at("id"))));
    }
    return n;
}

void check_table(const std::string& name, std::size_t at_least)
{
    comparison compared;
    const counts n = play_table(compared, name);
    std::cout << "oracle: " << name << ": " << n.compared.size() << " rows, " << compared.values_compared()
              << " values, " << compared.expected_differences() << " expected differences; " << n.not_possible
              << " rows with what this version does not have\n";
    CHECK(compared.agrees(n.compared));
    CHECK(n.compared.size() >= at_least);
}

} // namespace

TEST_CASE("the start limit acts as systemd's", "[oracle]") { check_table("start-limit", 38); }

TEST_CASE("scenarios of several steps go as with systemd", "[oracle]") { check_table("scenarios", 23); }
