// The replies of the control API as values, to and from JSON. One definition for the daemon and the client.
//
// Names and numbers are systemctl show's in snake_case: main_pid 0 when none, exec_main_code 0 never ran, 1
// exited, 2 killed, 3 dumped, timestamps in µs since the epoch, 0 when never. Within /v1 objects may gain
// fields, never lose or change one.
#pragma once

#include "common/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace procctl::protocol {

// GET /v1/programs, and each instance of GET /v1/programs/NAME.
struct program_status {
    std::string name{};    // of the instance: "worker@1"
    std::string program{}; // "worker"
    std::string description{};
    std::string type{};
    std::string active_state{};
    std::string sub_state{};
    std::string result{};
    std::int64_t main_pid = 0;
    std::int64_t control_pid = 0;
    std::string control_command{}; // what the control process runs: "exec_start_pre"; empty: there is none
    std::string control_group{};   // its path below the hierarchy's root; empty: it has none
    std::string status_text{};     // what it says of itself (STATUS=): foreign text, any character in it
    std::int64_t status_errno = 0; // and of its failure (ERRNO=)
    std::string reload_result{};   // of the last reload
    std::string exit_type{};
    std::string notify_access{}; // the effective one: never none where the type needs notifications
    std::uint64_t ignored_notifications = 0;
    std::uint64_t watchdog_usec = 0;              // the effective one; 0: no watchdog
    std::optional<double> next_watchdog_in_sec{}; // when the next WATCHDOG=1 is due; null when it is off
    std::uint64_t n_file_descriptor_store = 0;
    std::string monitored{};        // the instance whose end this one was started for (on_failure); or empty
    std::string monitored_result{}; // how that one ended
    std::uint64_t n_restarts = 0;
    std::int64_t exec_main_code = 0;
    std::int64_t exec_main_status = 0;
    std::uint64_t exec_main_start_timestamp = 0;
    std::uint64_t exec_main_exit_timestamp = 0;
    // The last run that is over, while the next one runs too; empty and 0 when there was none.
    std::string last_result{};
    std::int64_t last_exec_main_code = 0;
    std::int64_t last_exec_main_status = 0;
    std::uint64_t last_end_timestamp = 0;
    std::string last_output{}; // what it wrote last, a few KiB: foreign text; what was no UTF-8 is U+FFFD
    std::uint64_t state_change_timestamp = 0;
    std::uint64_t active_enter_timestamp = 0;
    std::uint64_t active_exit_timestamp = 0;
    std::uint64_t inactive_enter_timestamp = 0;
    std::uint64_t inactive_exit_timestamp = 0;
    std::string invocation_id{};                 // empty when it never ran
    std::optional<double> next_restart_in_sec{}; // null when none is to come
    bool start_limit_hit = false;
    std::string explanation{}; // one or two sentences for people: why it is in this state and how to go on
    std::string log_path{};    // empty: standard output goes to no file
    std::string stderr_log_path{}; // empty: standard error goes where standard output goes, or to no file
    std::string log_note{};        // where to look for what goes to no file; empty: all does
    std::string log_error{};       // why output cannot be written now; empty: it can
    std::uint64_t log_error_timestamp = 0; // since when; 0: it can
    std::string on_log_error{};            // "wait" or "drop": what becomes of output meanwhile
    std::uint64_t dropped_output = 0;      // bytes, where that is drop
    std::string source{};                  // "/etc/procctl/conf.d/worker.yaml:3"
};

// Errors have a stable kind and a sentence for people.
struct error_reply {
    std::string kind{}; // "no-such-program", "not-permitted", "bad-request", "job-failed", "configuration", …
    std::string message{};
};

struct job_reply {
    std::string name{}; // of the instance
    std::string job{};  // start, stop, restart, try-restart, reload
    // done, failed, canceled, start-limit-hit, assert-failed, invalid, unsupported, timeout; skipped: there
    // was nothing to be done; queued: without waiting
    std::string outcome{};
    std::string explanation{};
};

// One member of a JSON object: its name, and its value as JSON text.
struct property {
    std::string name{};
    std::string json{};
};
using properties = std::vector<property>;

// A message about the configuration; line and column are 0 for the file as a whole.
struct problem {
    std::string level{}; // "warning", "error"
    std::string file{};
    std::int64_t line = 0;
    std::int64_t column = 0;
    std::string message{};
};

// POST /v1/update: what was, or with dry_run would be, done; instance names, each list sorted.
struct update_reply {
    bool ok = false; // false: nothing was changed
    bool dry_run = false;
    std::vector<std::string> start{};   // new
    std::vector<std::string> add{};     // new, without autostart
    std::vector<std::string> restart{}; // changed and up
    std::vector<std::string> replace{}; // changed and down
    std::vector<std::string> stop{};    // gone from the configuration and up
    std::vector<std::string> remove{};  // gone and down
    std::vector<problem> problems{};
    std::vector<job_reply> jobs{};
};

// GET /v1/daemon.
struct daemon_status {
    std::string version{};
    std::int64_t pid = 0;
    std::uint64_t start_timestamp = 0;
    std::uint64_t programs = 0;
    std::uint64_t instances = 0;
    std::string conf_d{};
    std::string socket{};
    std::string log_dir{};
    std::string state_dir{};
    std::uint64_t dropped_log_lines = 0;
    std::vector<problem> problems{}; // of the configuration as it was last loaded
};

// GET /v1/version.
struct version_reply {
    std::string version{};
    std::string api{}; // "v1"
};

// The body of POST /v1/jobs.
struct job_request {
    std::string job{}; // start, stop, restart, try-restart, reload
    std::vector<std::string> names{};
};

// What a value looks like as JSON text; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_text(std::string_view);

[[nodiscard]] properties properties_of(const program_status&);

[[nodiscard]] std::string to_json(const properties&);
[[nodiscard]] std::string to_json(const program_status&);
[[nodiscard]] std::string to_json(const std::vector<program_status>&);
[[nodiscard]] std::string to_json(const error_reply&);
[[nodiscard]] std::string to_json(const std::vector<job_reply>&);
// Jobs of which at least one failed: an error object that carries them all in "jobs".
[[nodiscard]] std::string to_json(const error_reply&, const std::vector<job_reply>&);
[[nodiscard]] std::string to_json(const update_reply&);
// An update that was refused or whose jobs failed: an error object that is also the update's reply.
[[nodiscard]] std::string to_json(const error_reply&, const update_reply&);
[[nodiscard]] std::string to_json(const daemon_status&);
[[nodiscard]] std::string to_json(const version_reply&);
[[nodiscard]] std::string to_json(const job_request&);

// Readers take members they do not know and leave defaults for those that are missing, so that a client and a
// daemon of different versions understand each other; a member of the wrong type is an error.
[[nodiscard]] result<std::vector<program_status>> program_statuses_from_json(std::string_view);
[[nodiscard]] result<error_reply> error_reply_from_json(std::string_view);
// The list, or an error object with "jobs".
[[nodiscard]] result<std::vector<job_reply>> job_replies_from_json(std::string_view);
[[nodiscard]] result<update_reply> update_reply_from_json(std::string_view);
[[nodiscard]] result<daemon_status> daemon_status_from_json(std::string_view);
[[nodiscard]] result<version_reply> version_reply_from_json(std::string_view);
// A request is read strictly: unknown members are an error, for they are somebody's mistake.
[[nodiscard]] result<job_request> job_request_from_json(std::string_view);
// GET /v1/programs/NAME/properties: for each instance its members in order, with values for people: a text
// without quotes, a list's items and a map's "key=value" separated by spaces, null as nothing.
[[nodiscard]] result<std::vector<std::vector<std::pair<std::string, std::string>>>>
    property_lists_from_json(std::string_view);

} // namespace procctl::protocol
