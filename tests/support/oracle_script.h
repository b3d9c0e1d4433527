// What the processes of the oracle's units do, as values: short scripts that oracle_processes runs in
// simulated time. The readers of commands (oracle_shell, oracle_notify, oracle_command) make them.
#pragma once

#include "common/time.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace procctl::oracle {

struct behaviour;

struct sleep_for {
    duration time{};
};
struct exit_now {
    int status = 0;
};
struct kill_itself {
    int signal = 0;
};
struct die_by {
    int signal = 0;
};
struct kill_main { // kill -TERM $MAINPID
    int signal = 0;
};
// By sd_notify, where the process has a NOTIFY_SOCKET. "{PID}" is its own pid, "{CHILD}" that of the child
// that it made last, "{FOREIGN}" that of a process of no unit.
struct send_message {
    std::string text;
    bool once = false; // only the first time that a process of the unit comes here, and then it logs it
};
struct fork_child {
    std::shared_ptr<const behaviour> child;
};
struct wait_for_children {};
struct pause_for_ever {};
struct forget_handlers {};   // exec: what was handled is fatal again, what was ignored stays ignored
struct wait_until_active {}; // polls `systemctl is-active` of its own unit
struct test_file {           // its status is that of the process, unless the script says otherwise
    std::string path;
};
struct write_child_pid { // of the child made last
    std::string path;
};
struct log_words { // "$NAME-word" is the variable or the word, "$NAME:+word" the word if there is the
                   // variable
    std::string words;
};
struct log_variable {
    std::string name;
};
struct set_handler;

using statement =
    std::variant<sleep_for, exit_now, kill_itself, die_by, kill_main, send_message, fork_child,
                 wait_for_children, pause_for_ever, forget_handlers, wait_until_active, test_file,
                 write_child_pid, log_words, log_variable, std::shared_ptr<const set_handler>>;
using script = std::vector<statement>;
using handler = std::optional<script>; // nothing: the signal is ignored

struct set_handler {
    int signal = 0;
    handler reaction;
};

struct behaviour {
    script run{};                       // a process ends with status 0 at the end of its script
    std::map<int, handler> on_signal{}; // from the beginning
    bool ignores_other_signals = false; // else they have their default action
    bool dumps_core = false;
    std::string label{}; // how a table calls the process; empty: no table does
};

[[nodiscard]] inline statement handle(int signal, handler reaction)
{
    return std::make_shared<const set_handler>(set_handler{signal, std::move(reaction)});
}

[[nodiscard]] inline statement fork_with(script run)
{
    return fork_child{std::make_shared<const behaviour>(behaviour{.run = std::move(run)})};
}

} // namespace procctl::oracle
