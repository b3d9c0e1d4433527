// A stream as the daemon orders it: where its bytes go, and in what form. A plain value.
#pragma once

#include "common/log_settings.h"

#include <cstdint>
#include <string>

namespace procctl {

enum class stream_sink : std::uint8_t {
    file,    // or a FIFO, a terminal, a device
    journal, // systemd's journal, by its native protocol
    syslog,  // the system's log: RFC 3164 as syslog(3) writes it
};

struct stream_settings {
    stream_sink sink = stream_sink::file;
    std::string path; // absolute, specifiers expanded; of journal and syslog the socket
    // Bytes that the target refuses for good (a terminal that was closed) are thrown away, and nobody waits
    // for those that it does not take: the daemon's own console.
    bool is_lossy = false;
    // A regular file, too, is written by read and write, so that the pipe is never locked while a disk stands
    // still; what is in between, 4,096 bytes, is lost with the process.
    bool is_copied = false;

    // Of a regular file; anything else is never rotated.
    std::uint64_t max_size = unlimited_size;
    std::uint64_t max_total_size = unlimited_size;
    duration max_age = infinity;
    std::uint32_t keep = 10;
    std::uint32_t mode = 0640;
    std::uint32_t uid = UINT32_MAX; // of the files; UINT32_MAX: that of the process
    std::uint32_t gid = UINT32_MAX;

    log_format format = log_format::raw;
    log_timestamps timestamps = log_timestamps::none;
    log_error_action on_error = log_error_action::wait;
    std::uint32_t tail_size = 0;

    // For the sinks and formats that say who has spoken.
    std::string program;          // "worker"
    std::string instance;         // "worker@2"
    std::string stream;           // "stdout", "stderr"
    std::string identifier;       // syslog's tag, the journal's SYSLOG_IDENTIFIER
    std::uint8_t facility = 3;    // 0 to 23; 3: daemon
    std::uint8_t level = 6;       // 0 to 7, of a line without a prefix; 6: info
    bool has_level_prefix = true; // "<3>" at the beginning of a line is its level, and is taken off

    friend bool operator==(const stream_settings&, const stream_settings&) = default;
};

} // namespace procctl
