// The processes of a simulation: they run their scripts in simulated time, get signals, have children and
// end. Knows nothing of a supervisor.
#pragma once

#include "common/exit_status.h"
#include "tests/support/oracle_script.h"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace procctl::oracle {

using variables = std::map<std::string, std::string>;

// What a process did that others hear of.
struct process_ended {
    int pid = 0;
    process_end end;
};
struct message_sent {
    int pid = 0;
    std::string text;
};
using happening = std::variant<process_ended, message_sent>;

class process_table {
public:
    // A process that belongs to no unit, and is always there.
    static constexpr int stranger = 900;
    static constexpr int no_group = -1;

    // `is_active` answers for a group whether its unit is active.
    explicit process_table(std::function<bool(int group)> is_active);

    // Its first statement comes after a moment, as a process takes one even for nothing. Gives its pid.
    int make(int group, const behaviour&, const variables& environment, duration now);
    void signal(int pid, int signal);

    [[nodiscard]] duration next_wake() const; // perhaps past; infinity: nothing is to come
    // Everything that happens up to and at this moment; of what happens at one moment, all ends come about
    // before the first is told.
    [[nodiscard]] std::vector<happening> run(duration now);

    [[nodiscard]] bool is_alive(int pid) const;
    [[nodiscard]] int group_of(int pid) const; // of a dead one too
    [[nodiscard]] bool is_child_of_daemon(int pid) const;
    [[nodiscard]] std::vector<int> living(int group) const; // ascending, which is the order of their making
    [[nodiscard]] const std::string& label_of(int pid) const;

    std::set<std::string> files;          // that exist
    std::map<std::string, int> pid_files; // what they say

    struct log_line {
        duration at{};
        int pid = 0;
        std::string words;
    };
    std::vector<log_line> log;

private:
    struct frame {
        script run;
        std::size_t next = 0;
        duration wakes{};
    };
    struct process {
        int group = no_group;
        int parent = 0; // 0: the daemon
        behaviour what{};
        variables environment{};
        std::vector<frame> frames{}; // the script, and above it the handler that interrupts it
        std::vector<int> pending{};  // signals
        int last_child = 0;
        int status = 0;
        bool is_stopped = false;
        bool is_alive = true;
    };

    int add(process, duration wakes);
    [[nodiscard]] static duration wake_of(const process&);
    void run_one(int pid, duration now);
    void take_signals(int pid, duration now);
    bool execute(int pid, const statement&, duration now);
    void end(int pid, process_end);
    [[nodiscard]] std::string expanded(const process&, std::string_view words) const;

    std::function<bool(int)> is_active_;
    std::map<int, process> all_;
    int last_pid_ = 1000;
    std::vector<happening> happened_;
    std::set<std::string> sent_once_;
};

} // namespace procctl::oracle
