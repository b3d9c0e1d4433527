#include "tests/support/oracle_steps.h"

#include "common/signal_name.h"
#include "tests/support/oracle_shell.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

namespace procctl::oracle {
namespace {

using namespace std::chrono_literals;

duration seconds_of(std::string_view text)
{
    double s = 0;
    std::from_chars(text.data(), text.data() + text.size(), s);
    return std::chrono::duration_cast<duration>(std::chrono::duration<double>(s));
}

operator_step parse_step(const std::string& text)
{
    operator_step step;
    step.text = text;
    const std::size_t close = text.find("] ");
    if (close == std::string::npos) throw std::runtime_error("not a step: " + text);
    step.at = seconds_of(std::string_view(text).substr(1, close - 1));
    std::string rest = text.substr(close + 2);
    if (const std::size_t returned = rest.find(" (returned at "); returned != std::string::npos) {
        step.returned = seconds_of(std::string_view(rest).substr(returned + 14));
        rest.resize(returned);
    }
    if (const std::size_t arrow = rest.find(" -> "); arrow != std::string::npos) {
        step.answer = rest.substr(arrow + 4);
        rest.resize(arrow);
    }
    if (rest.ends_with(" MAINPID")) rest.resize(rest.size() - 8);
    if (const std::size_t at = rest.find('@'); at != std::string::npos) {
        step.unit = static_cast<std::size_t>(rest.at(at + 1) - 'a');
        rest.erase(at, 2);
    }
    step.is_in_background = rest.ends_with('&');
    if (step.is_in_background) rest.pop_back();
    const std::size_t end = rest.find_first_of(": ");
    step.verb = rest.substr(0, end);
    if (end != std::string::npos) step.argument = rest.substr(end + 1);
    return step;
}

std::string shown(const instance_status& s)
{
    return std::string(to_text(active_state_of(s.state))) + '/' + std::string(to_text(s.state)) +
           " Result=" + std::string(to_text(s.result)) + " NRestarts=" + std::to_string(s.n_restarts);
}

std::string property(const simulation& s, const operator_step& step, const std::string& name)
{
    const instance_status& status = s.status(step.unit);
    if (name == "Result") return std::string(to_text(status.result));
    if (name == "NRestarts") return std::to_string(status.n_restarts);
    if (name == "ExecMainCode") return std::to_string(static_cast<int>(status.exec_main.code));
    if (name == "ExecMainStatus") return std::to_string(status.exec_main.status);
    if (name == "StatusText") return status.status_text;
    if (name == "StatusErrno") return std::to_string(status.status_errno);
    if (name == "NotifyAccess") return std::string(to_text(effective_notify_access(s.program(step.unit))));
    if (name == "WatchdogUSec")
        return format_duration(status.watchdog_override.value_or(s.program(step.unit).watchdog));
    if (name == "MainPID") return status.main_pid == process_table::stranger ? "other" : "P1";
    throw std::runtime_error("cannot show " + name);
}

// In the order of the answer, which is systemd's own.
std::string properties(const simulation& s, const operator_step& step)
{
    std::vector<std::string> names = split(step.argument, ",");
    std::ranges::sort(names, {}, [&](const std::string& name) { return step.answer.find(name + '='); });
    std::string text;
    for (const std::string& name : names)
        text = with_space(text, name + '=' + property(s, step, name));
    return text;
}

restart_mode restart_mode_of(const std::string& assignment)
{
    if (assignment == "Restart=no") return restart_mode::no;
    if (assignment == "Restart=always") return restart_mode::always;
    throw std::runtime_error("cannot set " + assignment);
}

std::optional<job_kind> job_of(const std::string& verb)
{
    if (verb == "start") return job_kind::start;
    if (verb == "stop") return job_kind::stop;
    if (verb == "restart") return job_kind::restart;
    if (verb == "try-restart") return job_kind::try_restart;
    if (verb == "reload") return job_kind::reload;
    return std::nullopt;
}

std::string in_words(duration d)
{
    return format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(d));
}

std::string column_of(const operator_step& step)
{
    return "steps_measured" + step.text.substr(0, step.text.find(']') + 1);
}

class player {
public:
    player(simulation& s, comparison& compared, const std::string& id) : s_(s), compared_(compared), id_(id)
    {
    }

    void give(const operator_step& step)
    {
        const std::string& verb = step.verb;
        if (const auto kind = job_of(verb)) return job(step, *kind);
        const active_state active = active_state_of(s_.status(step.unit).state);
        const std::string state(to_text(active));
        if (verb == "show")
            check(step, shown(s_.status(step.unit)));
        else if (verb == "is-active") // reloading counts as active
            check(step,
                  state + (active == active_state::active || active == active_state::reloading ? " rc=0"
                                                                                               : " rc=3"));
        else if (verb == "is-failed")
            check(step, state + (active == active_state::failed ? " rc=0" : " rc=1"));
        else if (verb == "prop")
            check(step, properties(s_, step));
        else if (verb == "reset-failed")
            s_.reset_failed(step.unit);
        else if (verb == "kill")
            s_.kill_main_from_outside(signal_number(step.argument), step.unit);
        else if (verb == "ctlkill")
            s_.kill(signal_number(step.argument), signal_scope::all, step.unit);
        else if (verb == "send")
            s_.send_from_outside(step.argument.substr(0, step.argument.find(" from ")), step.unit);
        else if (verb == "touch")
            s_.table.files.insert(flag_of(s_.program().name));
        else if (verb == "rm")
            s_.table.files.erase(flag_of(s_.program().name));
        else if (verb == "set")
            s_.set_restart(restart_mode_of(step.argument), step.unit);
        else if (verb == "daemon-reload")
            s_.reload_configuration();
        else
            throw std::runtime_error("cannot give the step " + step.text);
    }

    // What the jobs answered in the end.
    void compare_answers()
    {
        for (const given_job& job : jobs_) {
            const job_answer& ours = s_.answers.at(job.index);
            compared_.compare(id_, column_of(job.step), job.step.answer, systemctl_words(ours));
            if (!job.step.returned) continue;
            const duration measured = *job.step.returned - job.step.at;
            const duration taken = ours.at - job.given;
            // The machine that measured was slow, and systemd's timers have an accuracy of 0.25 s.
            const bool is_near = std::chrono::abs(measured - taken) < 450ms;
            compared_.compare(id_, column_of(job.step) + "took", in_words(measured),
                              in_words(is_near ? measured : taken));
        }
    }

private:
    struct given_job {
        operator_step step;
        duration given{};
        std::size_t index = 0;
    };

    void check(const operator_step& step, const std::string& ours)
    {
        compared_.compare(id_, column_of(step), step.answer, ours);
    }

    void job(const operator_step& step, job_kind kind)
    {
        if (step.is_in_background && !step.answer.empty()) {
            for (given_job& given : jobs_) {
                if (!given.step.is_in_background || given.step.verb != step.verb ||
                    !given.step.answer.empty())
                    continue;
                given.step.answer = step.answer;
                given.step.returned = step.returned;
                return;
            }
            throw std::runtime_error("an answer without a request: " + step.text);
        }
        jobs_.push_back({step, s_.now(), s_.request(kind, step.unit)});
        if (!step.is_in_background) s_.run_until_answered(jobs_.back().index);
    }

    simulation& s_;
    comparison& compared_;
    const std::string& id_;
    std::vector<given_job> jobs_;
};

} // namespace

std::vector<operator_step> parse_steps(const std::string& text)
{
    std::vector<operator_step> steps;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find("; [", begin), text.size());
        steps.push_back(parse_step(text.substr(begin, end - begin)));
        begin = end + 2;
    }
    return steps;
}

void play_steps(simulation& s, comparison& compared, const std::string& id,
                const std::vector<operator_step>& steps, bool is_loop)
{
    player p(s, compared, id);
    constexpr duration client = 5ms; // systemctl takes a moment even for nothing
    duration measured{};             // when the step before was over
    for (const operator_step& step : steps) {
        s.run_until(s.now() + std::max<duration>(step.at - measured, 0s) + client);
        if (!is_loop || step.verb != "show") p.give(step);
        measured = step.returned && !step.is_in_background ? *step.returned : step.at;
    }
    p.compare_answers();
}

std::string without_times(const std::string& words)
{
    std::string kept;
    for (const std::string& item : split(words, " "))
        kept = with_space(kept, item.substr(0, item.find('@')));
    return kept;
}

std::string states_announced(const simulation& s, std::size_t unit)
{
    std::string states;
    for (const auto& change : s.of(unit).states)
        states = with_space(states, std::string(to_text(change.state)));
    return states;
}

std::string with_space(const std::string& words, const std::string& word)
{
    return words.empty() ? word : words + ' ' + word;
}

} // namespace procctl::oracle
