// The vocabulary that explanations and the daemon's log have in common: how long, how ended, which command,
// which limit. Pure.
#pragma once

#include "daemon/core/instance_machine.h"

#include <string>
#include <string_view>

namespace procctl {

// For a countdown: "200ms", "3.2s", "1min 30s".
[[nodiscard]] std::string short_time(duration left);
[[nodiscard]] std::string time_left(time_point deadline, const instant& now);

// "exited with status 1", "was killed by SIGTERM".
[[nodiscard]] std::string was(const process_end&);

// A command of a list by its place, "command 2 of 3"; empty where it is the only one.
[[nodiscard]] std::string place_of(const program_config&, exec_command, unsigned index);
// "exec_start_pre", "exec_start_pre (command 2 of 3)".
[[nodiscard]] std::string name_of(const program_config&, exec_command, unsigned index);
// What went wrong with a command: "exec_start_pre exited with status 1 (command 2 of 3)". `note` says more of
// one that could not be executed, and may be empty.
[[nodiscard]] std::string describe(const program_config&, const failed_command&, std::string_view note);

// The key of a limit, with its value, and with its mode where that is not the usual one: "timeout_start_sec
// (1min 30s)".
[[nodiscard]] std::string limit_text(const program_config&, const instance_status&, time_limit);

// The path conditions that may have kept it from starting: "condition_path_exists does not hold (/a, !/b)".
[[nodiscard]] std::string path_conditions(const program_config&);
[[nodiscard]] std::string path_asserts(const program_config&); // the same of assert_path_exists alone

// "3 notifications were ignored: …", where that may be why it is taken for hung, or for not ready; else
// empty.
[[nodiscard]] std::string ignored_notifications(const program_config&, const instance_status&);

} // namespace procctl
