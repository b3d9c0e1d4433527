// The replies of the control API as values, to and from JSON. One definition for the daemon and the client.
//
// Names and numbers are systemctl show's in snake_case: main_pid 0 when none, exec_main_code 0 never ran, 1
// exited, 2 killed, 3 dumped, timestamps in µs since the epoch, 0 when never. Within /v1 objects may gain
// fields, never lose or change one.
#pragma once

#include "common/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace procctl::protocol {

// GET /v1/programs, and each instance of GET /v1/programs/NAME.
struct program_status {
    std::string name;    // of the instance: "worker@1"
    std::string program; // "worker"
    std::string description;
    std::string type;
    std::string active_state;
    std::string sub_state;
    std::string result;
    std::int64_t main_pid = 0;
    std::uint64_t n_restarts = 0;
    std::int64_t exec_main_code = 0;
    std::int64_t exec_main_status = 0;
    std::uint64_t exec_main_start_timestamp = 0;
    std::uint64_t exec_main_exit_timestamp = 0;
    std::uint64_t state_change_timestamp = 0;
    std::uint64_t active_enter_timestamp = 0;
    std::uint64_t active_exit_timestamp = 0;
    std::uint64_t inactive_enter_timestamp = 0;
    std::uint64_t inactive_exit_timestamp = 0;
    std::string invocation_id;                 // empty when it never ran
    std::optional<double> next_restart_in_sec; // null when none is to come
    bool start_limit_hit = false;
    std::string explanation; // one or two sentences for people: why it is in this state and how to go on
    std::string log_path;
    std::string source; // "/etc/procctl/conf.d/worker.yaml:3"
};

// Errors have a stable kind and a sentence for people.
struct error_reply {
    std::string kind; // "no-such-program", "not-permitted", "bad-request", "job-failed", "configuration", …
    std::string message;
};

struct job_reply {
    std::string name;    // of the instance
    std::string job;     // start, stop, restart
    std::string outcome; // done, failed, canceled, start-limit-hit, timeout; "queued" without waiting
    std::string explanation;
};

[[nodiscard]] std::string to_json(const program_status&);
[[nodiscard]] std::string to_json(const std::vector<program_status>&);
[[nodiscard]] std::string to_json(const error_reply&);
[[nodiscard]] std::string to_json(const std::vector<job_reply>&);

[[nodiscard]] result<std::vector<program_status>> program_statuses_from_json(std::string_view);
[[nodiscard]] result<error_reply> error_reply_from_json(std::string_view);
[[nodiscard]] result<std::vector<job_reply>> job_replies_from_json(std::string_view);

} // namespace procctl::protocol
