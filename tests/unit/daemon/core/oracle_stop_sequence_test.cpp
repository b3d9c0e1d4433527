// stop-sequence.tsv: which signals go to which process, in which states, and what is left, over a tree of
// three processes; on the pure core in simulated time.
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

constexpr std::array<std::string_view, 3> process_names{"main", "child", "grandchild"};

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

std::string joined(const std::vector<timed_word>& words, std::size_t at_most)
{
    std::string text;
    for (const timed_word& w : words)
        if (at_most-- > 0)
            text += (text.empty() ? "" : " ") + w.word;
        else
            break;
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

std::vector<timed_word> states_of(const simulation& s, duration trigger)
{
    std::vector<timed_word> words;
    for (const auto& change : s.states)
        if (change.at >= trigger)
            words.push_back({std::string(to_text(change.state)),
                             std::chrono::duration<double>(change.at - trigger).count()});
    return words;
}

std::vector<timed_word> signals_of(const simulation& s)
{
    std::vector<timed_word> words;
    for (const auto& sent : s.sent)
        words.push_back(
            {signal_name(sent.signal).substr(3) + '>' + std::string(process_names.at(sent.process))});
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

std::string in_order(const std::vector<timed_word>& words) { return joined(words, words.size()); }

// The measured times are the machine's: systemd's timers alone have an accuracy of 0.25 s.
void compare_times(const std::vector<timed_word>& measured, const std::vector<timed_word>& ours)
{
    for (std::size_t i = 1; i < measured.size() && i < ours.size(); ++i) {
        CAPTURE(i, measured[i].word);
        CHECK(ours[i].at - ours[i - 1].at == Approx(measured[i].at - measured[i - 1].at).margin(0.4));
    }
}

// Whether the way of ending it exists in this version.
bool trigger(simulation& s, const std::string& how)
{
    const auto parts = split(how, ":");
    const auto signal = parse_signal(parts.size() > 1 ? parts[1] : "TERM");
    REQUIRE(signal);
    if (how == "stop")
        s.request(job_kind::stop);
    else if (how == "restart")
        s.request(job_kind::restart);
    else if (parts[0] == "kill-main")
        s.kill_main_from_outside(*signal);
    else if (parts[0] == "ctlkill" && parts.size() == 2)
        s.kill(*signal, signal_scope::group);
    else if (parts[0] == "ctlkill" && parts[2] == "main")
        s.kill(*signal, signal_scope::main);
    else
        return how == "self";
    return true;
}

bool play(comparison& compared, const row& r, const program_config& program)
{
    const std::string& id = r.at("id");
    simulation s(program);
    s.request(job_kind::start);
    // What ends by itself does so after 0.6 s or 0.7 s; its states are counted from then on.
    const bool by_itself = r.at("trigger") == "self";
    const duration at = by_itself ? 500ms : 300ms;
    s.run_until(at);
    if (!trigger(s, r.at("trigger"))) return false;
    s.run_until(at + (by_itself ? 2300ms : 4s));

    const auto check = [&](const std::string& column, const std::string& ours) {
        compared.compare(id, column, r.at(column), ours);
    };
    const std::vector<timed_word> measured_states = timed_words(r.at("states"));
    std::vector<timed_word> states = states_of(s, at);
    std::vector<timed_word> sent = signals_of(s);
    // A program that is restarted goes on as long as one looks: only what was measured is compared.
    const bool goes_on = program.restart != restart_mode::no && by_itself;
    if (goes_on) {
        states.resize(std::min(states.size(), measured_states.size()));
        sent.resize(std::min(sent.size(), timed_words(r.at("kill_order")).size()));
    }
    compared.compare(id, "states", nearest(r, "states", in_order(states), in_order), in_order(states));
    compared.compare(id, "kill_order", nearest(r, "kill_order", by_process(sent), by_process),
                     by_process(sent));
    if (in_order(states) == in_order(measured_states)) compare_times(measured_states, states);
    if (goes_on) return true;

    check("result", std::string(to_text(s.status().result)));
    check("active_state", std::string(to_text(active_state_of(s.status().state))));
    check("sub_state", std::string(to_text(s.status().state)));
    check("exec_main_code", std::to_string(static_cast<int>(s.status().exec_main.code)));
    check("exec_main_status", std::to_string(s.status().exec_main.status));
    check("nrestarts", std::to_string(s.status().n_restarts));
    std::string survivors;
    for (const std::size_t i : s.alive())
        survivors += (survivors.empty() ? "" : " ") + std::string(process_names.at(i));
    // After a restart, the table means the processes of the first run.
    if (s.starts.size() == 1) check("survivors", survivors.empty() ? "-" : survivors);
    return true;
}

} // namespace

TEST_CASE("signals and states of a stop are systemd's", "[oracle]")
{
    comparison compared;
    std::set<std::string> ids;
    std::size_t not_possible = 0;
    for (const row& r : read_table("stop-sequence")) {
        CAPTURE(r.at("id"), r.at("scenario"));
        std::string errors;
        const auto program = translate_unit(r.at("unit"), errors);
        if (program && errors.empty() && play(compared, r, *program))
            ids.insert(r.at("id"));
        else
            ++not_possible;
    }
    std::cout << "oracle: stop-sequence: " << ids.size() << " rows, " << compared.values_compared()
              << " values, " << compared.expected_differences() << " expected differences; " << not_possible
              << " rows with what this version does not have\n";
    CHECK(compared.agrees(ids));
    CHECK(ids.size() >= 55);
}
