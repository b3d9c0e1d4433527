// Reads the few shell idioms of which the oracle's commands consist. A statement that it does not know is an
// error, never a guess.
#pragma once

#include "tests/support/oracle_script.h"

#include <string_view>

namespace procctl::oracle {

// The text behind `sh -c`, with $$ for $ as in a unit. Throws std::runtime_error.
[[nodiscard]] script read_shell(std::string_view text);

// "TERM", "0.6": of the helpers too. Throw std::runtime_error.
[[nodiscard]] int signal_number(std::string_view name);
[[nodiscard]] duration read_seconds(std::string_view text);
[[noreturn]] void cannot_simulate(const std::string& what);

} // namespace procctl::oracle
