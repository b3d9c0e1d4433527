// A line as a message for /dev/log: RFC 3164 in the form of syslog(3). Pure.
#pragma once

#include "common/time.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace procctl::output {

struct syslog_origin {
    std::string_view tag;
    std::uint8_t facility = 3; // 0 to 23
    pid_t pid = 0;             // 0: none is named
};

// "<30>Nov  5 18:56:29 TAG[17]: text", the time being local. Bytes that would end the message for its reader,
// NUL and newline, become spaces.
void append_syslog_message(std::string& to, const syslog_origin&, std::uint8_t level, wall_time,
                           std::chrono::seconds utc_offset, std::string_view text);

} // namespace procctl::output
