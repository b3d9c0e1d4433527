// The steps of the oracle's scenarios, as an operator gave them: played in a simulation, and what was
// answered and shown compared.
#pragma once

#include "tests/support/oracle.h"
#include "tests/support/oracle_simulation.h"

#include <string>
#include <vector>

namespace procctl::oracle {

// "[0.23] start@b -> ok (returned at 3.24)"
struct operator_step {
    std::string text;
    duration at{};                    // when it was given
    std::optional<duration> returned; // when it was answered
    std::string verb;                 // "start", "kill"
    std::string argument;             // of kill, set and its like
    std::size_t unit = 0;             // 0 a, 1 b …
    bool is_in_background = false;    // its answer comes with a second step of that name
    std::string answer;               // "ok", "failed: …"; empty when there was none
};

// "[…] …; […] …". Throws std::runtime_error for what it does not understand.
[[nodiscard]] std::vector<operator_step> parse_steps(const std::string& text);

// Plays them all. As the operator did it waits for the answer of each, and then as long as he waited. With
// `is_loop` what is shown is not compared: how far a loop has come depends on the speed of the machine that
// measured.
void play_steps(simulation&, comparison&, const std::string& id, const std::vector<operator_step>&,
                bool is_loop = false);

// "running@0.02 failed@0.03" -> "running failed": the times are the machine's that measured.
[[nodiscard]] std::string without_times(const std::string& words);
[[nodiscard]] std::string states_announced(const simulation&, std::size_t unit = 0);
[[nodiscard]] std::string with_space(const std::string& words, const std::string& word);

} // namespace procctl::oracle
