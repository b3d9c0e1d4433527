// start-limit.tsv and scenarios.tsv: several steps on one program or three, on the pure core in simulated
// time. What a command answered, what was shown, every state announced, and how often it was started must be
// systemd's.
#include "tests/support/catch.h"
#include "tests/support/oracle.h"
#include "tests/support/oracle_simulation.h"
#include "tests/support/oracle_steps.h"

#include <iostream>

using namespace procctl;
using namespace procctl::oracle;

namespace {

// How far these have come depends on the speed of the machine that measured (NOTES.md section 6), so their
// course is not compared.
const std::set<std::string> loops{"S10", "S14", "S15", "C26", "C27"};

// "OnFailure exit-code exited 1 unit-set; …": what the helper units logged.
std::string logged(const simulation& s)
{
    std::string text;
    for (const auto& line : s.table.log)
        text += (text.empty() ? "" : "; ") + line.words;
    return text;
}

void compare_end(comparison& compared, const row& r, const simulation& s)
{
    const std::string& id = r.at("id");
    const instance_status& status = s.status();
    compared.compare(id, "result", r.at("result"), std::string(to_text(status.result)));
    compared.compare(id, "active_state", r.at("active_state"),
                     std::string(to_text(active_state_of(status.state))));
    compared.compare(id, "sub_state", r.at("sub_state"), std::string(to_text(status.state)));
    if (!loops.contains(id))
        compared.compare(id, "nrestarts", r.at("nrestarts"), std::to_string(status.n_restarts));
}

// The columns of one unit: its states, and how often it was started.
void compare_course(comparison& compared, const row& r, const simulation& s, std::size_t unit,
                    const std::string& states, const std::string& starts)
{
    if (loops.contains(r.at("id"))) return;
    const std::string& id = r.at("id");
    compared.compare(id, states, without_times(r.at(states)), states_announced(s, unit));
    compared.compare(id, starts, r.at(starts), std::to_string(s.of(unit).starts));
}

} // namespace

TEST_CASE("the start limit acts as systemd's", "[oracle]")
{
    comparison compared;
    std::set<std::string> ids;
    for (const row& r : read_table("start-limit")) {
        const std::string& id = r.at("id");
        const translated_unit unit = translate_unit(r.at("unit"));
        CAPTURE(id, unit.errors);
        REQUIRE(unit.errors.empty());
        ids.insert(id);
        simulation s(unit);
        REQUIRE_NOTHROW(play_steps(s, compared, id, parse_steps(r.at("steps_measured")), loops.contains(id)));
        compare_end(compared, r, s);
        compare_course(compared, r, s, 0, "states", "starts_total");
    }
    std::cout << compared.summary("start-limit", ids.size()) << "\n";
    CHECK(compared.agrees(ids));
    CHECK(ids.size() == 44);
    CHECK(compared.values_compared() == 700);
}

TEST_CASE("scenarios of several steps go as with systemd", "[oracle]")
{
    comparison compared;
    std::set<std::string> ids;
    std::set<std::string> with_dependencies;
    for (const row& r : read_table("scenarios")) {
        const std::string& id = r.at("id");
        CAPTURE(id);
        std::vector<translated_unit> units;
        for (const std::string name : {"a", "b", "c"})
            if (!r.at("unit_" + name).empty()) units.push_back(translate_unit(r.at("unit_" + name), name));
        const auto depends = [](const translated_unit& unit) { return has_dependencies(unit); };
        if (std::ranges::any_of(units, depends)) {
            with_dependencies.insert(id);
            continue;
        }
        ids.insert(id);
        for (const translated_unit& unit : units)
            REQUIRE(unit.errors.empty());
        simulation s(units);
        REQUIRE_NOTHROW(play_steps(s, compared, id, parse_steps(r.at("steps_measured")), loops.contains(id)));
        compare_end(compared, r, s);
        compare_course(compared, r, s, 0, "states_a", "starts_a");
        if (units.size() < 3) continue;
        compare_course(compared, r, s, 1, "states_b", "starts_b");
        compare_course(compared, r, s, 2, "states_c", "starts_c");
        compared.compare(id, "log", r.at("log"), logged(s));
    }
    std::cout << compared.summary("scenarios", ids.size())
              << "; not of this version: " << with_dependencies.size()
              << " rows with Requires=, After= and their like\n";
    CHECK(compared.agrees(ids));
    CHECK(ids.size() == 45);
    CHECK(with_dependencies == std::set<std::string>{"C34", "C35", "C36", "C37", "C38", "C39", "C40", "C41"});
    CHECK(compared.values_compared() == 520);
}
