// The tasks of a helper process, one function each; helper_main.cpp chooses. Each answers on its standard
// output or talks to the socket that is its standard input, and returns the exit status.
#pragma once

#include <span>
#include <string>

namespace procctl {

[[nodiscard]] int run_load_task(std::span<const std::string> arguments);
[[nodiscard]] int run_identity_task(std::span<const std::string> arguments);
[[nodiscard]] int run_environment_task(std::span<const std::string> arguments);
[[nodiscard]] int run_conditions_task(std::span<const std::string> arguments);
[[nodiscard]] int run_pid_file_task(std::span<const std::string> arguments);
[[nodiscard]] int run_open_task(std::span<const std::string> arguments);
[[nodiscard]] int run_place_task(std::span<const std::string> arguments);
[[nodiscard]] int run_log_task(std::span<const std::string> arguments);
[[nodiscard]] int run_source_task(std::span<const std::string> arguments);

} // namespace procctl
