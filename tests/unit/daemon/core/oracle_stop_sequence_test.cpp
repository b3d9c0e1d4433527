// stop-sequence.tsv: which signals go to which process, in which states, and what is left, over a tree of
// three processes; on the pure core in simulated time.
#include "common/signal_name.h"
#include "tests/support/catch.h"
#include "tests/support/oracle.h"
#include "tests/support/oracle_simulation.h"
#include "tests/support/oracle_steps.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iostream>

using namespace procctl;
using namespace procctl::oracle;
using namespace std::chrono_literals;

namespace {

constexpr std::array<std::string_view, 4> process_names{"main-sleep", "main", "child", "grandchild"};

// "stop-sigterm@0.0": what, and how many seconds after the trigger.
struct timed_word {
    std::string word;
    double at = 0;
};

std::vector<timed_word> timed_words(const std::string& text)
{
    std::vector<timed_word> words;
    for (const std::string& item : split(text, " ")) {
        const std::size_t at = item.find('@');
        timed_word& w = words.emplace_back(timed_word{item.substr(0, at)});
        std::from_chars(item.data() + at + 1, item.data() + item.size(), w.at);
    }
    return words;
}

std::string in_order(const std::vector<timed_word>& words)
{
    std::string text;
    for (const timed_word& w : words)
        text = with_space(text, w.word);
    return text;
}

// "TERM>main CONT>main TERM>child" -> "main: TERM CONT, child: TERM": what each process was sent, in order.
// Between processes the order is main first, then the rest of the group at once.
std::string by_process(const std::vector<timed_word>& sent)
{
    std::string text;
    for (const std::string_view name : process_names) {
        std::string signals;
        for (const timed_word& w : sent)
            if (const std::size_t to = w.word.find('>'); w.word.substr(to + 1) == name)
                signals += ' ' + w.word.substr(0, to);
        if (!signals.empty()) text += (text.empty() ? "" : ", ") + std::string(name) + ':' + signals;
    }
    return text;
}

double seconds_after(duration at, duration trigger)
{
    return std::chrono::duration<double>(at - trigger).count();
}

std::vector<timed_word> states_of(const simulation& s, duration trigger)
{
    std::vector<timed_word> words;
    for (const auto& change : s.of().states)
        if (change.at >= trigger)
            words.push_back({std::string(to_text(change.state)), seconds_after(change.at, trigger)});
    return words;
}

std::vector<timed_word> signals_of(const simulation& s, duration trigger)
{
    std::vector<timed_word> words;
    for (const auto& sent : s.of().sent)
        if (!sent.to.empty())
            words.push_back(
                {signal_name(sent.signal).substr(3) + '>' + sent.to, seconds_after(sent.at, trigger)});
    return words;
}

// The value of the first reading, or of the second where that is what we do.
std::string nearest(const row& r, const std::string& column, const std::string& ours,
                    std::string (*in_our_form)(const std::vector<timed_word>&))
{
    for (const std::string& part : split(r.at("varies"), "; "))
        if (part.starts_with(column + ": "))
            if (in_our_form(timed_words(part.substr(column.size() + 2))) == ours) return ours;
    return in_our_form(timed_words(r.at(column)));
}

// The measured times are the machine's: systemd's timers alone have an accuracy of 0.25 s.
void compare_times(const std::vector<timed_word>& measured, const std::vector<timed_word>& ours)
{
    for (std::size_t i = 1; i < measured.size() && i < ours.size(); ++i) {
        CAPTURE(i, measured[i].word);
        CHECK(ours[i].at - ours[i - 1].at == Approx(measured[i].at - measured[i - 1].at).margin(0.4));
    }
}

// "rc=0" or "rc=1": the command's, once it has returned. Nothing for what ends by itself.
std::string pull(simulation& s, const std::string& how, std::optional<std::size_t>& job)
{
    const auto parts = split(how, ":");
    const auto signal = parse_signal(parts.size() > 1 ? parts[1] : "TERM");
    REQUIRE(signal);
    if (how == "reload+stop") {
        s.request(job_kind::reload);
        s.run_until(s.now() + 300ms);
    }
    if (how == "stop" || how == "reload+stop")
        job = s.request(job_kind::stop);
    else if (how == "restart")
        job = s.request(job_kind::restart);
    else if (parts[0] == "kill-main")
        s.kill_main_from_outside(*signal);
    else if (parts[0] == "ctlkill") {
        const std::string whom = parts.size() == 3 ? parts[2] : "all";
        const signal_scope scope = whom == "main"      ? signal_scope::main
                                   : whom == "control" ? signal_scope::control
                                                       : signal_scope::all;
        return s.kill(*signal, scope) ? "rc=0" : "rc=1";
    } else
        REQUIRE(how == "self");
    return {};
}

std::string survivors_of(const simulation& s)
{
    std::string survivors;
    for (const int pid : s.table.living(0))
        survivors = with_space(survivors, s.table.label_of(pid));
    return survivors.empty() ? "-" : survivors;
}

// ExecStop= and ExecStopPost= leave a note when they run.
std::string notes_of(const simulation& s)
{
    std::string notes;
    for (const auto& line : s.table.log)
        notes = with_space(notes, line.words);
    return notes;
}

void play(comparison& compared, const row& r, const translated_unit& unit)
{
    const std::string& id = r.at("id");
    simulation s(unit);
    s.request(job_kind::start);
    // What ends by itself does so after 0.6 s or more; its states are counted from then on.
    const bool by_itself = r.at("trigger") == "self";
    s.run_until(500ms);
    std::optional<std::size_t> job;
    const std::string answer = pull(s, r.at("trigger"), job);
    const duration pulled = s.now();
    s.run_until(pulled + (by_itself ? 2300ms : 4s));

    const auto check = [&](const std::string& column, const std::string& ours) {
        compared.compare(id, column, r.at(column), ours);
    };
    const std::vector<timed_word> measured_states = timed_words(r.at("states"));
    std::vector<timed_word> states = states_of(s, pulled);
    std::vector<timed_word> sent = signals_of(s, pulled);
    // A program that is restarted goes on as long as one looks: only what was measured is compared.
    const bool goes_on = unit.program.restart != restart_mode::no && by_itself;
    if (goes_on) {
        states.resize(std::min(states.size(), measured_states.size()));
        sent.resize(std::min(sent.size(), timed_words(r.at("kill_order")).size()));
    }
    compared.compare(id, "states", nearest(r, "states", in_order(states), in_order), in_order(states));
    compared.compare(id, "kill_order", nearest(r, "kill_order", by_process(sent), by_process),
                     by_process(sent));
    if (in_order(states) == in_order(measured_states)) compare_times(measured_states, states);
    if (goes_on) return;

    check("result", std::string(to_text(s.status().result)));
    check("active_state", std::string(to_text(active_state_of(s.status().state))));
    check("sub_state", std::string(to_text(s.status().state)));
    check("exec_main_code", std::to_string(static_cast<int>(s.status().exec_main.code)));
    check("exec_main_status", std::to_string(s.status().exec_main.status));
    check("nrestarts", std::to_string(s.status().n_restarts));
    compared.compare(id, "control", without_times(r.at("control")), notes_of(s));
    const std::string& returned = r.at("command_returned"); // "1.1 rc=0"
    if (job) {
        const job_answer& answered = s.answers.at(*job);
        compared.compare(id, "command_returned", returned.substr(returned.find(' ') + 1),
                         systemctl_words(answered) == "ok" ? "rc=0" : "rc=1");
        const double margin = 0.25 * static_cast<double>(states.size() + 1); // of each timer
        CHECK(seconds_after(answered.at, pulled) == Approx(std::stod(returned)).margin(margin));
    } else if (!answer.empty()) {
        compared.compare(id, "command_returned", returned.substr(returned.find(' ') + 1), answer);
    }
    // After a restart, the table means the processes of the first run.
    if (s.of().starts == 1) check("survivors", survivors_of(s));
}

} // namespace

TEST_CASE("signals and states of a stop are systemd's", "[oracle]")
{
    comparison compared;
    std::set<std::string> ids;
    for (const row& r : read_table("stop-sequence")) {
        const translated_unit unit = translate_unit(r.at("unit"));
        CAPTURE(r.at("id"), r.at("scenario"), unit.errors);
        REQUIRE(unit.errors.empty());
        ids.insert(r.at("id"));
        REQUIRE_NOTHROW(play(compared, r, unit));
    }
    std::cout << compared.summary("stop-sequence", ids.size()) << "\n";
    CHECK(compared.agrees(ids));
    CHECK(ids.size() == 86);
    CHECK(compared.values_compared() == 893);
}
