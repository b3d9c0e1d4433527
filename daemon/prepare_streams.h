// From a program's configuration to what descriptors 0, 1 and 2 of its processes are. Pure.
#pragma once

#include "common/result.h"
#include "daemon/core/supervisor.h"
#include "daemon/os/identity.h"
#include "daemon/output/stream_settings.h"
#include "daemon/prepare_process.h"

#include <optional>
#include <string>

namespace procctl {

inline constexpr const char* journal_socket = "/run/systemd/journal/socket";
inline constexpr const char* syslog_socket = "/dev/log";

// Every path is absolute, its specifiers expanded.
struct prepared_streams {
    // The pipes that the output process reads. Absent: the descriptor is no pipe of its own.
    std::optional<stream_settings> out;
    std::optional<stream_settings> err; // also absent when standard error shares the pipe of `out`
    bool shares_pipe = false;           // descriptor 2 is that of `out`; then nobody can tell the two apart

    // What the descriptors are. Of log, journal and syslog: a pipe, see above. null: /dev/null. file, append
    // and truncate: the path is opened for writing, and made with mode 0666 less the program's umask.
    // inherit: a duplicate, of descriptor 0 for standard output and of descriptor 1 for standard error; where
    // such a duplicate would be /dev/null the kind is null.
    output_choice out_file;
    output_choice err_file;

    // null, or the path to open for reading, or a file that holds in_data.
    input_choice in;
    std::string in_data; // any bytes

    friend bool operator==(const prepared_streams&, const prepared_streams&) = default;
};

// `account` is whom the program runs as; `log_owner` is what log.user and log.group resolve to, null when
// neither is given (log_owner_key() in daemon/config/load.h).
//
// Standard error goes through the pipe of standard output when both go to one file as raw bytes, so that
// what is written first stands first. Lines of format json, the journal's and syslog's say which of the two
// wrote them: there each has a pipe of its own, and only the order within one is kept.
//
// Errors begin with the key: "standard_output: 'log' is not an absolute path …", when a path is none once its
// specifiers are expanded.
[[nodiscard]] result<prepared_streams> prepare_streams(const instance&, const identity& account,
                                                       const identity* log_owner, const host_facts&);

} // namespace procctl
