#include "ctl/commands.h"

#include "ctl/handlers.h"

#include <array>

namespace procctl::ctl {
namespace {

constexpr auto for_all = std::to_array<option_spec>({
    {"--socket", "PATH", "Talk to the daemon at this socket (or $PROCCTL_SOCKET)", &options::socket},
    {"--user", "", "Talk to your own daemon", &options::user},
    {"--system", "", "Talk to the system's daemon", &options::system},
    {"-o,--output", "FORMAT", "text or json: the daemon's reply as it is", &options::output, "text, json"},
    {"--no-wait", "", "Return at once, without waiting for what was asked", &options::no_wait},
    {"--no-color", "", "No colours (as with $NO_COLOR, or when not a terminal)", &options::no_color},
});

constexpr auto for_kill = std::to_array<option_spec>({
    {"-s,--signal", "SIGNAL", "Which signal: SIGINT, INT or 2 (default: SIGTERM)", &options::signal},
    {"--kill-whom", "WHOM",
     "main: the main process alone; control: the command that runs beside it; all: all of its processes "
     "(default)",
     &options::kill_whom, "main, control, all"},
});

constexpr auto for_logs = std::to_array<option_spec>({
    {"-n,--lines", "N",
     "How many lines of each, or all (default: 10; all with --since and --until, and with --grep without "
     "--follow)",
     &options::lines},
    {"-f,--follow", "", "Go on as lines are written", &options::follow},
    {"--since", "TIME", "Lines from this time on: \"2026-11-20 17:56:29\", \"17:56\", yesterday, -2h",
     &options::since},
    {"--until", "TIME", "Lines up to this time", &options::until},
    {"--stdout", "", "Lines of standard output alone", &options::only_stdout},
    {"--stderr", "", "Lines of standard error alone", &options::only_stderr},
    {"-g,--grep", "PATTERN",
     "Lines that match an extended regular expression; one without capitals matches both cases",
     &options::grep},
    {"-o,--output", "FORMAT", "raw: lines as they are; json: each an object with its time and its program",
     &options::output, "raw, json"},
    {"--rotate", "", "Show nothing; begin a new file, and keep the old one as a rotated one",
     &options::rotate},
});

constexpr auto for_show = std::to_array<option_spec>({
    {"-p,--property", "NAME", "Only this property; may be given several times", &options::properties},
});

constexpr auto for_update = std::to_array<option_spec>({
    {"--dry-run", "", "Say what would be done, and do nothing", &options::dry_run},
});

constexpr auto for_questions = std::to_array<option_spec>({
    {"-q,--quiet", "", "Print nothing; the exit status answers", &options::quiet},
});

constexpr auto for_check = std::to_array<option_spec>({
    {"--config", "FILE", "The settings file, as procctld takes it", &options::config},
});

constexpr auto table = std::to_array<command>({
    {"status",
     "[NAME…]",
     names::optional,
     "Show how programs are doing",
     "Without a name: a table of all. With names: everything about each, and the end of its log.\n"
     "Exit status without a name: 0 when the daemon answers. With names: 4 if one is unknown, else 3 if one "
     "is "
     "not active, else 0.",
     {},
     run_status},
    {"start",
     "NAME…",
     names::required,
     "Start programs",
     "Waits until each has started or failed to.",
     {},
     run_start},
    {"stop", "NAME…", names::required, "Stop programs", "Waits until each has stopped.", {}, run_stop},
    {"restart",
     "NAME…",
     names::required,
     "Stop programs and start them again",
     "Starts what is not running. Waits until each has started or failed to.",
     {},
     run_restart},
    {"try-restart",
     "NAME…",
     names::required,
     "Stop programs and start them again if they are running",
     "What is down stays down. Waits until each has started or failed to.",
     {},
     run_try_restart},
    {"reload",
     "NAME…",
     names::required,
     "Ask programs to read their configuration again",
     "Runs exec_reload, or sends reload_signal to a program of type notify-reload and waits for its answer. "
     "Exit status: 1 if one is not active, has no way to reload, or failed to. To read conf.d again: update.",
     {},
     run_reload},
    {"kill", "NAME…", names::required, "Send a signal to programs",
     "The restart policy acts on what follows, as if the signal had come from elsewhere.", for_kill,
     run_kill},
    {"show", "NAME…", names::required, "Show every property of programs",
     "The state, and the whole configuration with its defaults, as name=value lines.", for_show, run_show},
    {"cat", "NAME…", names::required, "Show the configuration of programs as it is written", "", {}, run_cat},
    {"logs", "NAME…", names::required, "Show the end of programs' output",
     "Rotated and compressed files are read too. Lines of several programs are merged by their times, each "
     "after "
     "its program's name. The lines of a raw log do not say when they were written: of them --since and "
     "--until "
     "show what was written in the same second, or a little more.",
     for_logs, run_logs},
    {"update", "", names::none, "Read conf.d again and apply what has changed",
     "Starts new programs, stops those that are gone, restarts changed ones and touches no other. With any "
     "error "
     "nothing is changed.",
     for_update, run_update},
    {"reset-failed",
     "[NAME…]",
     names::optional,
     "Forget failures and start limits (of all programs)",
     "",
     {},
     run_reset_failed},
    {"is-active", "NAME…", names::required, "Ask whether programs are active",
     "Exit status: 0 if at least one is active, else 4 if one is unknown, else 3. A program that waits for "
     "its "
     "restart is not active.",
     for_questions, run_is_active},
    {"is-failed", "NAME…", names::required, "Ask whether programs have failed",
     "Exit status: 0 if at least one has failed, else 4 if one is unknown, else 1.", for_questions,
     run_is_failed},
    {"check", "[FILE…]", names::optional, "Check the configuration, without a daemon",
     "Runs `procctld --check`: all of the configuration, or these files. $PROCCTLD names another procctld.",
     for_check, run_check},
    {"daemon status", "", names::none, "Show how the daemon is doing", "", {}, run_daemon_status},
    {"daemon shutdown",
     "",
     names::none,
     "Stop all programs and end the daemon",
     "Waits until it is gone. A service manager may start it again.",
     {},
     run_daemon_shutdown},
    {"version", "", names::none, "Show the versions of procctl and of the daemon", "", {}, run_version},
    {"help", "[COMMAND]", names::optional, "Show the commands, or how one is used", "", {}, run_help},
});

} // namespace

std::span<const command> commands() { return table; }

std::span<const option_spec> global_options() { return for_all; }

} // namespace procctl::ctl
