// The lines of logs: found in bytes that come in pieces, and what they say of themselves. Pure.
#pragma once

#include "common/log_settings.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace procctl {

// A line longer than this is broken where lines are looked at.
inline constexpr std::size_t longest_line = 64U << 10U;

// Finds the lines of a text that comes in pieces. '\n' ends a line; other bytes, NUL among them, mean
// nothing.
class line_splitter {
public:
    // Takes the next line off `piece`: without its '\n'. False when there is no whole one; then all of
    // `piece` is kept. The line is good until the next call.
    [[nodiscard]] bool next(std::string_view& piece, std::string_view& line);
    // What is kept of an unfinished line, taken away; false when there is nothing.
    [[nodiscard]] bool finish(std::string_view& line);

private:
    std::string unfinished_;
    bool is_used_ = false; // the unfinished line was handed out by the last call
};

// What a line says. Views into the line, or into the parser.
struct line_facts {
    std::string_view message = {}; // without the time before it; the message of a line that is an object
    std::string_view stream = {};  // "stdout", "stderr"; empty: it does not say
    std::int64_t time = 0;         // µs since the epoch; 0: it does not say
    bool is_object = false;        // of a JSON log
};

class line_parser {
public:
    line_parser(log_format, log_timestamps);
    ~line_parser();
    line_parser(line_parser&&) noexcept;
    line_parser& operator=(line_parser&&) noexcept;

    // A line that is not what its log's settings let expect, because they were others when it was written, is
    // a message and nothing more. The views are good until the next call.
    [[nodiscard]] line_facts parse(std::string_view line);

private:
    struct json_reader;
    log_timestamps timestamps_;
    std::unique_ptr<json_reader> json_; // none: the log is raw
};

// Where a line's time comes from.
enum class time_origin {
    none,    // it is not known
    line,    // the line says it
    mark,    // the last time mark before it: it was written then or later, but not after the next mark
    reading, // it was read while following: it was written then or a little earlier
};

// A line as an object, with its '\n'; `program` and `instance` say whose it is. A message that is not UTF-8
// is an array of its bytes as numbers.
[[nodiscard]] std::string line_as_json(const line_facts&, std::string_view program, std::string_view instance,
                                       std::int64_t time, time_origin);
// A word of ours between the lines, likewise.
[[nodiscard]] std::string note_as_json(std::string_view note, std::string_view program,
                                       std::string_view instance);

} // namespace procctl
