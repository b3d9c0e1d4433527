// Reads the steps of helpers/nt.py, which speaks sd_notify.
#pragma once

#include "tests/support/oracle_script.h"

#include <span>
#include <string>

namespace procctl::oracle {

// "send:READY=1", "sleep:0.5", "pause" …, as nt.py does and logs them. Throws std::runtime_error.
[[nodiscard]] script read_notify_steps(std::span<const std::string> steps);

} // namespace procctl::oracle
