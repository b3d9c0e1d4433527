#include "tests/support/oracle_notify.h"

#include "common/signal_name.h"
#include "tests/support/oracle.h"
#include "tests/support/oracle_shell.h"

namespace procctl::oracle {
namespace {

using namespace std::chrono_literals;

std::string with_newlines(std::string text)
{
    for (std::size_t at = 0; (at = text.find(";;", at)) != std::string::npos;)
        text.replace(at, 2, "\n");
    return text;
}

script send(const std::string& text)
{
    return {log_words{"send " + text}, send_message{with_newlines(text)}};
}

script read_steps(const std::string& joined)
{
    const std::vector<std::string> steps = split(joined, "+");
    script run;
    for (const std::string& step : steps) {
        const script more = read_notify_steps(std::span(&step, 1));
        run.insert(run.end(), more.begin(), more.end());
    }
    return run;
}

// "TERM:exit3" or "TERM:send:STOPPING=1+exit:0": what is logged, and what is done.
statement read_handler(const std::string& text, bool exits)
{
    const std::size_t colon = text.find(':');
    const int signal = signal_number(text.substr(0, colon));
    const std::string action = colon == std::string::npos ? std::string() : text.substr(colon + 1);
    script run{log_words{"got " + signal_name(signal) + (exits ? " -> " + action : "")}};
    if (exits) {
        run.push_back(exit_now{std::stoi(action.substr(4))});
    } else if (!action.empty()) {
        const script more = read_steps(action);
        run.insert(run.end(), more.begin(), more.end());
    }
    return handle(signal, run);
}

script read_step(const std::string& step)
{
    const std::size_t colon = step.find(':');
    const std::string kind = step.substr(0, colon);
    const std::string value = colon == std::string::npos ? std::string() : step.substr(colon + 1);
    if (kind == "send") return send(value);
    if (kind == "sendonce") return {send_message{with_newlines(value), true}};
    if (kind == "sleep") return {sleep_for{read_seconds(value)}};
    if (kind == "exit") return {log_words{"exit " + value}, exit_now{std::stoi(value)}};
    if (kind == "pause") return {pause_for_ever{}};
    if (kind == "ignore" || kind == "onsend") return {read_handler(value, false)};
    if (kind == "on") return {read_handler(value, true)};
    if (kind == "env") return {log_variable{value}};
    if (kind == "fork") return {fork_with(read_steps(value))};
    if (kind == "childsend") {
        script child = send(value);
        child.push_back(sleep_for{300ms});
        return {fork_with(child)};
    }
    if (kind == "newmain")
        return {fork_with(read_steps(value)), log_words{"send MAINPID=PID"}, send_message{"MAINPID={CHILD}"}};
    if (kind == "pings") {
        const std::vector<std::string> parts = split(value, ":");
        script run;
        for (int i = 0; i < std::stoi(parts.at(0)); ++i) {
            const script ping = send("WATCHDOG=1");
            run.insert(run.end(), ping.begin(), ping.end());
            run.push_back(sleep_for{read_seconds(parts.at(1))});
        }
        return run;
    }
    cannot_simulate(step);
}

} // namespace

script read_notify_steps(std::span<const std::string> steps)
{
    script run;
    for (const std::string& step : steps) {
        const script more = read_step(step);
        run.insert(run.end(), more.begin(), more.end());
    }
    return run;
}

} // namespace procctl::oracle
