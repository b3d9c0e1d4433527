// What a command of the oracle's units does: by which reader its script is made, or at which step of its
// preparation it fails.
#pragma once

#include "daemon/core/program_config.h"
#include "tests/support/oracle.h"
#include "tests/support/oracle_script.h"

#include <string>
#include <vector>

namespace procctl::oracle {

struct simulated_command {
    // The preparation of the process fails with this status: 200 for a missing folder …; 0: it does not.
    int failed_preparation = 0;
    bool cannot_start = false; // no process at all: an environment file is missing
    behaviour what;
};

// `others` are the directives of the unit that are no keys of ours. Throws std::runtime_error for a command
// it does not know.
[[nodiscard]] simulated_command simulate_command(const program_config&, const std::vector<directive>& others,
                                                 const command&);

// A command that does nothing, as the harness put one into the units to see its environment.
[[nodiscard]] command observing_command();

} // namespace procctl::oracle
