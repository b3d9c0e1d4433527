// A line as a message of the journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL). Pure.
#pragma once

#include "daemon/output/stream_settings.h"

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace procctl::output {

// "NAME=value\n"; a value with control characters in the protocol's other form: "NAME\n", its size as 64 bits
// of little endian, the value, "\n". `name` is upper case letters, digits and underscores, not first.
void append_journal_field(std::string& to, std::string_view name, std::string_view value);

// The fields that are the same in every message of a stream.
[[nodiscard]] std::string journal_names(const stream_settings&);

// A whole message: `names`, PRIORITY, SYSLOG_PID unless `pid` is 0, PROCCTL_PARTIAL=1 for a piece of a line
// that goes on in the next message, and MESSAGE.
void append_journal_entry(std::string& to, std::string_view names, std::uint8_t level, pid_t,
                          std::string_view message, bool is_partial);

} // namespace procctl::output
