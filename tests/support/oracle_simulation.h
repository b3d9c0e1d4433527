// One program under a real supervisor, in simulated time, with simulated processes that do what their command
// says. No clock, no process, no waiting.
#pragma once

#include "daemon/core/supervisor.h"
#include "tests/support/oracle_command.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace procctl::oracle {

// The unit as a program of ours, by the directive names of the key table. Nothing when it uses a directive
// that is no key of this version; `errors` says why our loader refuses it, empty when it does not.
[[nodiscard]] std::optional<program_config> translate_unit(const std::string& unit, std::string& errors);

class simulation {
public:
    explicit simulation(program_config);

    // Lets everything happen that happens before this moment, counted from the beginning.
    void run_until(duration t);
    // Now. The answer is in `outcomes` at the index given back, perhaps later.
    std::size_t request(job_kind);
    void reset_failed();
    void kill(int signal, signal_scope);
    // Past the supervisor, to the main process: kill(1).
    void kill_main_from_outside(int signal);

    [[nodiscard]] const instance_status& status() const;

    struct state_change {
        duration at;
        sub_state state;
    };
    struct sent_signal {
        duration at;
        std::size_t process; // 0 main, 1 the first of the others …
        int signal;
    };
    std::vector<state_change> states; // as announced
    std::vector<duration> starts;     // main processes made
    std::vector<sent_signal> sent;    // by the supervisor
    std::vector<std::optional<job_outcome>> outcomes;
    // Which processes of the last run are alive: 0 main, 1 the first of the others …
    [[nodiscard]] std::set<std::size_t> alive() const;

private:
    struct process {
        process_behaviour behaviour;
        bool is_alive = true;
        duration ends_at = infinity;
        process_end end{};
    };

    [[nodiscard]] instant now() const;
    void obey(const orders&);
    void make_process(unsigned command_index);
    void deliver(int signal, signal_scope, bool is_recorded = true);
    void end_processes();

    program_config config_;
    supervisor supervisor_{1};
    instance_id id_ = 0;
    duration now_{};
    std::uint64_t serial_ = 0;       // of the run that `processes_` belongs to
    std::vector<process> processes_; // the main process first
    bool has_leftovers_ = false;     // as the supervisor knows
};

// systemctl's word for the outcome of a job. A refused start never got as far as a job.
[[nodiscard]] std::string start_job_word(const std::optional<job_outcome>& outcome);

} // namespace procctl::oracle
