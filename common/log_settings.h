// How a program's output is kept: the values of the keys log, standard_output, standard_error and
// on_log_error, in the words of the configuration.
#pragma once

#include "common/size.h"
#include "common/time.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace procctl {

enum class log_compression { none, gzip };
enum class log_timestamps { none, iso, local }; // before each line: in UTC, or in local time
enum class log_format { raw, json };            // raw: bytes as they are (and a time, with timestamps)
enum class log_error_action { wait, drop };     // while the log cannot be written

// The key `log`. Paths may hold % specifiers.
struct log_settings {
    std::string path;        // empty: <log_dir>/<instance name>.log
    std::string stderr_path; // empty: that of standard output
    std::uint64_t max_size = std::uint64_t{50}
                             << 20U; // a file that would pass it is rotated; unlimited_size: never
    unsigned keep = 10;              // rotated files
    std::uint64_t max_total_size = unlimited_size;    // of the file and its rotated ones together
    duration max_age = infinity;                      // a file that was begun so long ago is rotated
    log_compression compress = log_compression::none; // of rotated files
    log_timestamps timestamps = log_timestamps::none;
    log_format format = log_format::raw;
    unsigned mode = 0640;      // of the files
    std::string user;          // the files' owner, a name or a number; empty: the daemon's
    std::string group;         // empty: that of `user`, else the daemon's
    unsigned tail_size = 4096; // of the last output of a run, kept with its result; at most max_tail_size

    static constexpr unsigned max_tail_size = 64U << 10U;

    friend bool operator==(const log_settings&, const log_settings&) = default;
};

// Where standard output or standard error of a program goes.
enum class output_kind {
    inherit,  // standard error: to where standard output goes; standard output: what standard input is
    log,      // the file of `log`
    journal,  // systemd's journal
    syslog,   // the system's log, /dev/log
    null,     // nowhere
    file,     // file:PATH, written from its beginning, without truncation
    append,   // append:PATH
    truncate, // truncate:PATH
};

struct output_choice {
    output_kind kind = output_kind::log;
    std::string path; // of file, append and truncate; may hold % specifiers

    friend bool operator==(const output_choice&, const output_choice&) = default;
};

enum class input_kind { null, file, data };

struct input_choice {
    input_kind kind = input_kind::null;
    std::string path; // of file

    friend bool operator==(const input_choice&, const input_choice&) = default;
};

[[nodiscard]] std::string_view to_text(log_compression);
[[nodiscard]] std::string_view to_text(log_timestamps);
[[nodiscard]] std::string_view to_text(log_format);
[[nodiscard]] std::string_view to_text(log_error_action);
[[nodiscard]] std::string_view to_text(output_kind);
[[nodiscard]] std::string_view to_text(input_kind);

} // namespace procctl
