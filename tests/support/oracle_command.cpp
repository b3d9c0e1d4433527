#include "tests/support/oracle_command.h"

#include "tests/support/oracle_notify.h"
#include "tests/support/oracle_shell.h"

#include <algorithm>
#include <span>

#include <signal.h>
#include <sys/resource.h>

namespace procctl::oracle {
namespace {

// "TERM=exit0,after:0.6=exit1", as tree.py reads it: all other signals are logged and mean nothing.
behaviour tree_process(const std::string& spec, const std::string& label)
{
    behaviour process{.ignores_other_signals = true, .label = label};
    for (const std::string& item : split(spec, ",")) {
        if (item == "-") continue;
        const auto parts = split(item, "=");
        const std::string& what = parts.at(1);
        if (parts[0].starts_with("after:")) {
            process.run.push_back(sleep_for{read_seconds(parts[0].substr(6))});
            process.run.push_back(exit_now{std::stoi(what.substr(4))});
            continue;
        }
        const int signal = signal_number(parts[0]);
        if (what == "die") // it unblocks the signal and sends it to itself
            process.on_signal[signal] = script{die_by{signal}};
        else
            process.on_signal[signal] = script{exit_now{std::stoi(what.substr(4))}};
    }
    process.run.push_back(pause_for_ever{});
    return process;
}

behaviour tree(std::span<const std::string> specs)
{
    behaviour child = tree_process(specs[1], "child");
    const behaviour grandchild = tree_process(specs[2], "grandchild");
    child.run.insert(child.run.begin(), fork_child{std::make_shared<const behaviour>(grandchild)});
    behaviour main = tree_process(specs[0], "main");
    main.run.insert(main.run.begin(), fork_child{std::make_shared<const behaviour>(child)});
    return main;
}

script read_argv(std::span<const std::string> argv);

// end.sh UNIT exit N | UNIT sig NAME
script end_when_active(std::span<const std::string> words)
{
    if (words[1] == "exit") return {wait_until_active{}, exit_now{std::stoi(words[2])}};
    return {wait_until_active{}, kill_itself{signal_number(words[2])}, exit_now{99}};
}

// daemonize.sh PIDFILE COMMAND...
script daemonize(std::span<const std::string> words)
{
    script run{fork_with(read_argv(words.subspan(1)))};
    if (words[0] != "-") run.push_back(write_child_pid{words[0]});
    run.push_back(exit_now{0});
    return run;
}

script speak_notify(std::span<const std::string> steps)
{
    script run{log_words{"start"}};
    const script more = read_notify_steps(steps);
    run.insert(run.end(), more.begin(), more.end());
    run.push_back(log_words{"end of steps"});
    return run;
}

script read_argv(std::span<const std::string> argv)
{
    const std::string& program = argv[0];
    if (program == "/bin/true") return {};
    if (program == "/bin/sleep") return {sleep_for{read_seconds(argv[1])}};
    if (program == "/bin/kill" && argv.back() == "$MAINPID")
        return {kill_main{signal_number(argv[1].substr(1))}};
    if (program == "/bin/sh" && argv[1] == "-c") return read_shell(argv[2]);
    if (program == "/bin/sh" && argv[1].ends_with("/note.sh")) return {log_words{argv.back()}};
    if (program == "/bin/sh" && argv[1].ends_with("/end.sh")) return end_when_active(argv.subspan(2));
    if (program == "/bin/sh" && argv[1].ends_with("/daemonize.sh")) return daemonize(argv.subspan(2));
    if (program == "/usr/bin/env" && argv[3].ends_with("/nt.py")) return speak_notify(argv.subspan(5));
    cannot_simulate(program);
}

bool is_missing(const std::string& path) { return path.find("/nonexistent/") != std::string::npos; }

int failed_preparation(const program_config& program, const std::vector<directive>& others, const command& c)
{
    if (program.group.starts_with("no-such")) return 216;
    if (program.user.starts_with("no-such")) return 217;
    if (is_missing(program.standard_input.path)) return 208;
    if (is_missing(program.standard_output.path)) return 209;
    if (is_missing(program.working_directory) && !program.working_directory_optional) return 200;
    for (const directive& d : others)
        if (d.name == "RootDirectory" && is_missing(d.value)) return 226;
    if (is_missing(c.argv[0]) || c.argv[0] == "/etc/passwd") return 203;
    return 0;
}

} // namespace

simulated_command simulate_command(const program_config& program, const std::vector<directive>& others,
                                   const command& c)
{
    simulated_command simulated;
    simulated.cannot_start = std::ranges::any_of(
        program.environment_files, [](const auto& file) { return !file.optional && is_missing(file.path); });
    simulated.failed_preparation = failed_preparation(program, others, c);
    if (simulated.cannot_start) return simulated;

    behaviour& what = simulated.what;
    if (simulated.failed_preparation != 0)
        what.run = {exit_now{simulated.failed_preparation}};
    else if (c.argv.size() == 10 && c.argv[3].ends_with("/tree.py"))
        what = tree(std::span(c.argv).subspan(7));
    else
        what.run = read_argv(c.argv);
    if (program.ignore_sigpipe && !what.ignores_other_signals) what.on_signal[SIGPIPE] = std::nullopt;
    what.dumps_core = std::ranges::any_of(
        program.limits, [](const auto& limit) { return limit.resource == RLIMIT_CORE && limit.soft != 0; });
    return simulated;
}

command observing_command() { return {.argv = {"/bin/true"}}; }

} // namespace procctl::oracle
