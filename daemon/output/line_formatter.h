// A line as text with its time, or as a JSON object. Pure: everything is appended to a string.
#pragma once

#include "common/time.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace procctl::output {

// RFC 3339 with microseconds: "2026-11-20T17:56:29.123456Z" without an offset (UTC), and with one
// "2026-11-20T18:56:29.123456+01:00". RFC 3339 knows offsets of whole minutes; seconds are cut off.
void append_time(std::string& to, wall_time, std::optional<std::chrono::seconds> utc_offset);

// Text as a JSON string when it is valid UTF-8, else as an array of its bytes' numbers (0 to 255), as
// `journalctl -o json` does. Only what JSON demands is escaped: quotes, backslashes and U+0000 to U+001F.
void append_json_text(std::string& to, std::string_view);

// What is the same in every object of a stream: "program":…,"instance":…,"stream":…,
[[nodiscard]] std::string json_names(std::string_view program, std::string_view instance,
                                     std::string_view stream);
// What is the same in many objects of a stream: all that stands before the message. No pid when it is 0.
void append_json_head(std::string& to, std::string_view time, std::string_view names, pid_t);
// The rest of the object, and a newline.
void append_json_message(std::string& to, std::string_view message, bool is_partial);

} // namespace procctl::output
