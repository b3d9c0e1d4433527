// What the daemon asks of the helper that answers for logs: whose logs, where and how they are kept, and
// which of their lines.
#pragma once

#include "common/log_selection.h"
#include "common/log_settings.h"
#include "common/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace procctl {

// One log of an instance. One with a separate log for standard error has two.
struct log_source {
    std::string name; // of the instance: put before each line when several are asked for
    std::string path;
    std::string program = {}; // empty: the instance's name is the program's
    std::string stream = {};  // "stdout", "stderr"; empty: both
    bool has_streams = false; // with both: each line says from which it is, where they do not share one pipe
    log_format format = log_format::raw;              // json: each line says its time and its stream
    log_timestamps timestamps = log_timestamps::none; // before each line of a raw log
    std::string note = {}; // why there is no log, and where to look: then nothing is read

    friend bool operator==(const log_source&, const log_source&) = default;
};

struct log_request {
    std::vector<log_source> sources;
    log_selection what;

    friend bool operator==(const log_request&, const log_request&) = default;
};

[[nodiscard]] std::string to_json(const log_request&);
[[nodiscard]] result<log_request> log_request_from_json(std::string_view);

// An answer other than 200.
struct log_refusal {
    int status = 0;
    std::string kind;
    std::string message;
};

// Leaves the logs of the stream that is asked for. Refuses when that cannot be told for one of them, because
// both streams go through one pipe and the lines do not say which was theirs. A note about one of the streams
// is for who asks for that stream, or for an instance without any log.
[[nodiscard]] std::optional<log_refusal> select_stream(log_request&);

} // namespace procctl
