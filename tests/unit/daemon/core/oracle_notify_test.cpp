// notify.tsv: the sd_notify protocol, who may use it, and the watchdog; on the pure core in simulated time.
#include "tests/support/catch.h"
#include "tests/support/oracle.h"
#include "tests/support/oracle_simulation.h"
#include "tests/support/oracle_steps.h"

#include <algorithm>
#include <array>
#include <iostream>

using namespace procctl;
using namespace procctl::oracle;
using namespace std::chrono_literals;

namespace {

// How far they come depends on the speed of the machine that measured (NOTES.md section 6).
const std::set<std::string> loops{"N80", "N84"};

// The log names processes P1, P2 … in the order in which they first logged.
class process_names {
public:
    explicit process_names(const simulation& s)
    {
        for (const auto& line : s.table.log)
            if (std::ranges::find(pids_, line.pid) == pids_.end()) pids_.push_back(line.pid);
    }
    [[nodiscard]] std::string of(int pid) const
    {
        const auto found = std::ranges::find(pids_, pid);
        if (pid == 0) return "none";
        if (found == pids_.end()) return "other (did not log)";
        return "P" + std::to_string(found - pids_.begin() + 1);
    }

private:
    std::vector<int> pids_;
};

// These the executor adds, not the core.
bool is_of_the_executor(const std::string& line)
{
    constexpr std::array names{" env WATCHDOG_PID=", " env INVOCATION_ID=", " env SYSTEMD_EXEC_PID="};
    return std::ranges::any_of(names, [&](const char* name) { return line.find(name) != std::string::npos; });
}

// "0.04 P1 start; …", each process by itself: who of two was faster is the machine's affair.
std::string by_process(std::vector<std::string> lines)
{
    std::erase_if(lines, is_of_the_executor);
    std::ranges::stable_sort(lines, {},
                             [](const std::string& line) { return line.substr(0, line.find(' ')); });
    std::string text;
    for (const std::string& line : lines)
        text += (text.empty() ? "" : "; ") + line;
    return text;
}

// The log was read some time after the last step: what came between does not count.
std::string log_measured(const std::string& text, const operator_step& last)
{
    const duration end = last.returned.value_or(last.at);
    std::vector<std::string> lines;
    for (const std::string& line : split(text, "; "))
        if (const std::size_t blank = line.find(' '); std::stod(line.substr(0, blank)) * 1s <= end + 10ms)
            lines.push_back(line.substr(blank + 1));
    return by_process(lines);
}

std::string log_of(const simulation& s, const process_names& names)
{
    std::vector<std::string> lines;
    for (const auto& line : s.table.log) {
        std::string words = line.words;
        if (words.starts_with("env MAINPID=") && !words.ends_with('>'))
            words = "env MAINPID=" + names.of(std::stoi(words.substr(12)));
        lines.push_back(names.of(line.pid) + ' ' + words);
    }
    return by_process(lines);
}

void compare_row(comparison& compared, const row& r, const translated_unit& unit)
{
    const std::string& id = r.at("id");
    const auto check = [&](const std::string& column, const std::string& ours) {
        compared.compare(id, column, r.at(column), ours);
    };
    simulation s(unit);
    const std::vector<operator_step> steps = parse_steps(r.at("operator_measured"));
    play_steps(s, compared, id, steps, loops.contains(id));
    const instance_status& status = s.status();
    const process_names names(s);
    check("status_text", status.status_text);
    check("status_errno", std::to_string(status.status_errno));
    check("notify_access", std::string(to_text(effective_notify_access(s.program()))));
    if (loops.contains(id)) return;
    compared.compare(id, "states", without_times(r.at("states")), states_announced(s));
    compared.compare(id, "helper_log", log_measured(r.at("helper_log"), steps.back()), log_of(s, names));
    check("exec_main_code", std::to_string(static_cast<int>(status.exec_main.code)));
    check("exec_main_status", std::to_string(status.exec_main.status));
    check("main_pid", names.of(status.main_pid));
    check("result", std::string(to_text(status.result)));
    check("active_state", std::string(to_text(active_state_of(status.state))));
    check("sub_state", std::string(to_text(status.state)));
    check("nrestarts", std::to_string(status.n_restarts));
}

} // namespace

TEST_CASE("sd_notify and the watchdog act as with systemd", "[oracle]")
{
    comparison compared;
    std::set<std::string> ids;
    for (const row& r : read_table("notify")) {
        const translated_unit unit = translate_unit(r.at("unit"));
        CAPTURE(r.at("id"), r.at("scenario"), unit.errors);
        REQUIRE(unit.errors.empty());
        ids.insert(r.at("id"));
        REQUIRE_NOTHROW(compare_row(compared, r, unit));
    }
    std::cout << compared.summary("notify", ids.size()) << "\n";
    CHECK(compared.agrees(ids));
    CHECK(ids.size() == 91);
    CHECK(compared.values_compared() == 1389);
}
