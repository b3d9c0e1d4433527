// Where the output of an instance goes, and how that fares: what the daemon tells the control API of it, and
// those who read logs go by.
#pragma once

#include "common/log_settings.h"
#include "common/time.h"

#include <cstdint>
#include <optional>
#include <string>

namespace procctl {

// One stream, from the program to where its bytes are kept.
struct output_place {
    std::string path;   // of the file, absolute; empty: there is none to read, and `note` says where to look
    std::string note{}; // "goes to the journal: `journalctl SYSLOG_IDENTIFIER=web`"; empty: there is a path
    log_format format = log_format::raw;
    log_timestamps timestamps = log_timestamps::none;

    // Why nothing can be written at present: "cannot write /var/log/procctl/web.log: No space left on
    // device"; empty: all is well.
    std::string trouble{};
    wall_time trouble_since{}; // wall_time{}: there is none
    std::uint64_t dropped = 0; // bytes; only with log_error_action::drop
};

struct output_view {
    output_place standard_output;
    std::optional<output_place> standard_error{};       // absent: it goes through the same stream
    log_error_action on_error = log_error_action::wait; // what becomes of output while there is trouble
};

} // namespace procctl
