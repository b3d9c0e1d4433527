// Programs under a real supervisor, in simulated time, with simulated processes that do what their commands
// say. No clock, no process, no waiting.
#pragma once

#include "daemon/core/supervisor.h"
#include "tests/support/oracle_processes.h"
#include "tests/support/oracle_unit.h"

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace procctl::oracle {

// How a job was answered, and when.
struct job_answer {
    std::optional<job_outcome> outcome;              // nothing: not yet
    service_result result = service_result::success; // at that moment
    duration at{};
};

class simulation {
public:
    explicit simulation(std::vector<translated_unit>);
    explicit simulation(const translated_unit& unit) : simulation(std::vector{unit}) {}
    simulation(const simulation&) = delete;
    simulation& operator=(const simulation&) = delete;

    // Lets everything happen that happens before this moment, counted from the beginning.
    void run_until(duration t);
    // Until there is an answer, but not for ever.
    void run_until_answered(std::size_t index);
    [[nodiscard]] duration now() const { return now_; }

    // --- What an operator does, now, to one of the units.
    // The answer is in `answers` at the index given back, perhaps later.
    std::size_t request(job_kind, std::size_t unit = 0);
    void reset_failed(std::size_t unit = 0);
    // False when there is no such process.
    bool kill(int signal, signal_scope, std::size_t unit = 0);
    // Past the supervisor, to the main process: kill(1).
    void kill_main_from_outside(int signal, std::size_t unit = 0);
    void send_from_outside(const std::string& message, std::size_t unit = 0);
    // The configuration with this program changed. A later reload makes it count.
    void set_restart(restart_mode, std::size_t unit = 0);
    void reload_configuration();

    // --- What came of it.
    [[nodiscard]] const instance_status& status(std::size_t unit = 0) const;
    [[nodiscard]] const program_config& program(std::size_t unit = 0) const;

    struct state_change {
        duration at{};
        sub_state state = sub_state::dead;
    };
    struct sent_signal {
        duration at{};
        std::string to; // the label of the process
        int signal = 0;
    };
    struct made_command { // that got as far as its program
        exec_command command = exec_command::start;
        unsigned index = 0;
        variables environment; // what the core gives it
    };
    struct record {
        std::vector<state_change> states;   // as announced
        unsigned starts = 0;                // that forked anything
        std::vector<sent_signal> sent;      // by the supervisor
        std::vector<made_command> commands; // in the order of their making
    };
    [[nodiscard]] const record& of(std::size_t unit = 0) const { return units_.at(unit).past; }
    std::vector<job_answer> answers;
    process_table table;

private:
    struct supervised {
        translated_unit text{};
        instance_id id = 0;
        std::map<std::uint64_t, int> pids{};  // of the processes that the supervisor knows, by serial
        std::uint64_t last_run = 0;           // that forked anything
        std::uint64_t waits_for_pid_file = 0; // the serial of find_main; 0: nobody waits
        record past{};
    };

    [[nodiscard]] instant clocks() const;
    void run_once(duration until);
    [[nodiscard]] std::size_t unit_of(instance_id) const;
    void obey(const orders&);
    void carry_out(std::size_t unit, const action&);
    void drain();
    void tell(std::size_t unit, event);
    void make_process(std::size_t unit, const start_process&);
    void look_for_main(std::size_t unit, const find_main&);
    void try_pid_files();
    bool deliver(std::size_t unit, int signal, signal_scope);
    void hear(const happening&);
    void hear_message(const message_sent&, std::size_t unit);
    [[nodiscard]] found_process describe_process(std::size_t unit, int pid) const;
    [[nodiscard]] bool has_others(std::size_t unit, int pid) const;

    std::vector<supervised> units_;
    supervisor supervisor_{1};
    duration now_{};
    std::map<job_id, std::size_t> jobs_; // index into answers
    std::deque<std::pair<std::size_t, event>> facts_;
};

// systemctl's words for the answer: "ok", "canceled", "failed: a timeout was exceeded".
[[nodiscard]] std::string systemctl_words(const job_answer&);

} // namespace procctl::oracle
