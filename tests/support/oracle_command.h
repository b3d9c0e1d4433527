// What the commands of the oracle's units do, as values: a small reader of the few shell idioms and of the
// helper tree.py that they consist of. A command that it does not know is an error, never a guess.
#pragma once

#include "common/exit_status.h"
#include "common/time.h"
#include "daemon/core/program_config.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace procctl::oracle {

// How one process ends: by itself, or by a signal.
struct process_behaviour {
    struct ending {
        duration after{};
        process_end end;
    };
    std::optional<ending> by_itself;
    std::map<int, std::optional<ending>> on_signal; // nothing: ignored. SIGKILL needs no mention
    bool ignores_the_rest = false;                  // of the signals; else they have their default action
    bool dumps_core = false;
};

struct simulated_command {
    // The preparation of the process fails with this status: 200 for a missing folder …; 0: it does not.
    int failed_preparation = 0;
    bool cannot_start = false; // no process at all: an environment file is missing
    process_behaviour main;
    std::vector<process_behaviour> others; // that it starts
};

// Throws std::runtime_error for a command it does not know.
[[nodiscard]] simulated_command simulate_command(const program_config&, const command&);

// What a process does about a signal, SIGKILL included; nothing: it goes on.
[[nodiscard]] std::optional<process_behaviour::ending> reaction(const process_behaviour&, int signal);

} // namespace procctl::oracle
