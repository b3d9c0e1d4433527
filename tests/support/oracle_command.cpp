#include "tests/support/oracle_command.h"

#include "common/signal_name.h"
#include "tests/support/oracle.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <signal.h>
#include <sys/resource.h>

namespace procctl::oracle {
namespace {

using namespace std::chrono_literals;

// A process takes a moment even for nothing.
constexpr duration moment = 1ms;

[[noreturn]] void unknown(const std::string& what) { throw std::runtime_error("cannot simulate: " + what); }

int signal_number(const std::string& name)
{
    const result<int> number = parse_signal(name);
    if (!number) unknown("signal " + name);
    return *number;
}

duration seconds(const std::string& text)
{
    const result<duration> d = parse_duration(text);
    if (!d) unknown("duration " + text);
    return *d;
}

bool has_core_action(int signal)
{
    constexpr std::array core{SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
                              SIGFPE,  SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS};
    return std::ranges::find(core, signal) != core.end();
}

process_end death_by(const process_behaviour& process, int signal)
{
    return {process.dumps_core && has_core_action(signal) ? exit_code_kind::dumped : exit_code_kind::killed,
            signal};
}

process_end exit_with(const std::string& status) { return {exit_code_kind::exited, std::stoi(status)}; }

// "sleep 0.6; exit 0" and "kill -s SEGV $$$$" in a script or a trap: when and how it ends, if it does.
class script_reader {
public:
    script_reader(simulated_command& command, process_behaviour& process)
        : command_(command), process_(process)
    {
    }

    // Reads statements until the script is over or the process has come to its end.
    void run(std::string_view script)
    {
        while (!process_.by_itself && !script.empty()) {
            const auto [statement, in_background, rest] = next_statement(script);
            if (in_background)
                start_other(statement);
            else
                execute(statement);
            script = rest;
        }
        if (!process_.by_itself && !waits_) finish({exit_code_kind::exited, 0});
    }

private:
    struct statement_and_rest {
        std::string statement;
        bool in_background;
        std::string_view rest;
    };

    // Up to the next ';' or '&' outside quotes and parentheses.
    static statement_and_rest next_statement(std::string_view script)
    {
        int depth = 0;
        bool quoted = false;
        for (std::size_t i = 0; i < script.size(); ++i) {
            const char c = script[i];
            if (c == '"') quoted = !quoted;
            if (quoted) continue;
            depth += c == '(' ? 1 : c == ')' ? -1 : 0;
            if (depth == 0 && (c == ';' || c == '&'))
                return {trimmed(script.substr(0, i)), c == '&', script.substr(i + 1)};
        }
        return {trimmed(script), false, {}};
    }

    static std::string trimmed(std::string_view text)
    {
        const auto parts = split(text, "\n");
        return parts.empty() ? std::string() : parts.front();
    }

    void start_other(const std::string& statement)
    {
        process_behaviour other;
        other.on_signal = process_.on_signal;
        std::string script = statement;
        if (script.starts_with('(')) script = script.substr(1, script.size() - 2);
        script_reader(command_, other).run(script);
        command_.others.push_back(other);
    }

    void execute(const std::string& statement)
    {
        const std::vector<std::string> words = split(statement, " ");
        if (statement.empty() || words[0] == ":") return;
        if (words[0] == "exec") {
            execute(statement.substr(5));
            finish({exit_code_kind::exited, 0});
        } else if (words[0] == "sleep") {
            elapsed_ += seconds(words.at(1));
        } else if (words[0] == "exit") {
            finish(exit_with(words.at(1)));
        } else if (words[0] == "wait") {
            waits_ = true;
        } else if (statement.starts_with("kill -s ") && words.back().starts_with("$$")) {
            const int signal = signal_number(words.at(2));
            if (!process_.on_signal.contains(signal)) finish(death_by(process_, signal));
        } else if (statement.starts_with("trap \"")) {
            const std::size_t end = statement.find('"', 6);
            set_trap(statement.substr(6, end - 6), statement.substr(end + 2));
        } else {
            unknown(statement);
        }
    }

    void set_trap(const std::string& action, const std::string& signal)
    {
        auto& on_signal = process_.on_signal[signal_number(signal)];
        on_signal.reset();
        if (action.empty()) return;
        process_behaviour handler;
        handler.dumps_core = process_.dumps_core;
        script_reader(command_, handler).run(action);
        on_signal = handler.by_itself;
        on_signal->after -= moment;
    }

    void finish(process_end end)
    {
        if (!process_.by_itself) process_.by_itself = {moment + elapsed_, end};
    }

    simulated_command& command_;
    process_behaviour& process_;
    duration elapsed_{};
    bool waits_ = false;
};

// "TERM=exit0,after:0.6=exit1", as tree.py reads it: all other signals are logged and mean nothing.
process_behaviour tree_process(const std::string& spec)
{
    process_behaviour process;
    process.ignores_the_rest = true;
    for (const std::string& item : split(spec, ",")) {
        if (item == "-") continue;
        const auto parts = split(item, "=");
        const std::string& what = parts.at(1);
        if (parts[0].starts_with("after:")) {
            process.by_itself = {seconds(parts[0].substr(6)), exit_with(what.substr(4))};
        } else {
            const int signal = signal_number(parts[0]);
            const process_end end =
                what == "die" ? process_end{exit_code_kind::killed, signal} : exit_with(what.substr(4));
            process.on_signal[signal] = process_behaviour::ending{{}, end};
        }
    }
    return process;
}

bool is_missing(const std::string& path) { return path.starts_with("/nonexistent/"); }

int failed_preparation(const program_config& program, const command& c)
{
    if (program.group.starts_with("no-such")) return 216;
    if (program.user.starts_with("no-such")) return 217;
    if (is_missing(program.working_directory) && !program.working_directory_optional) return 200;
    if (is_missing(c.argv[0]) || c.argv[0] == "/etc/passwd") return 203;
    return 0;
}

} // namespace

simulated_command simulate_command(const program_config& program, const command& c)
{
    simulated_command simulated;
    simulated.cannot_start = std::ranges::any_of(
        program.environment_files, [](const auto& file) { return !file.optional && is_missing(file.path); });
    simulated.failed_preparation = failed_preparation(program, c);
    if (simulated.cannot_start || simulated.failed_preparation != 0) return simulated;

    process_behaviour& main = simulated.main;
    if (program.ignore_sigpipe) main.on_signal[SIGPIPE] = std::nullopt;
    main.dumps_core = std::ranges::any_of(
        program.limits, [](const auto& limit) { return limit.resource == RLIMIT_CORE && limit.soft != 0; });

    const auto& argv = c.argv;
    if (argv[0] == "/bin/sh" && argv.size() == 3 && argv[1] == "-c") {
        script_reader(simulated, main).run(argv[2]);
    } else if (argv[0] == "/bin/sleep" && argv.size() == 2) {
        script_reader(simulated, main).run("sleep " + argv[1]);
    } else if (argv.size() == 10 && argv[3].ends_with("/tree.py")) {
        main = tree_process(argv[7]);
        simulated.others = {tree_process(argv[8]), tree_process(argv[9])};
    } else {
        unknown(argv[0]);
    }
    return simulated;
}

std::optional<process_behaviour::ending> reaction(const process_behaviour& process, int signal)
{
    if (signal == SIGKILL) return process_behaviour::ending{{}, {exit_code_kind::killed, SIGKILL}};
    if (const auto found = process.on_signal.find(signal); found != process.on_signal.end())
        return found->second;
    constexpr std::array ignored_by_default{SIGCONT, SIGCHLD, SIGURG, SIGWINCH};
    if (process.ignores_the_rest || std::ranges::find(ignored_by_default, signal) != ignored_by_default.end())
        return std::nullopt;
    return process_behaviour::ending{{}, death_by(process, signal)};
}

} // namespace procctl::oracle
