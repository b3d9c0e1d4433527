// The files that belong to a log: how they are called, and what a name says.
//
//   web.log           is written
//   web.log.1 …       rotated: the higher the number, the newer the file; a number is not used twice
//   web.log.2.gz      rotated and compressed
//   web.log.new       the next file, while a rotation is under way
//   .web.log.times    the time marks of web.log (time_marks.h); .web.log.2.times: of web.log.2 and
//   web.log.2.gz
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace procctl {

[[nodiscard]] std::string rotated_name(std::string_view log, std::uint64_t number);
[[nodiscard]] std::string compressed_name(std::string_view rotated);
[[nodiscard]] std::string next_name(std::string_view log);
// Of a log, or of a rotated file by its name before compression.
[[nodiscard]] std::string marks_name(std::string_view file);

struct rotated_log {
    std::uint64_t number = 0;
    bool is_compressed = false;

    friend bool operator==(const rotated_log&, const rotated_log&) = default;
};
// What a folder's entry is to the log of that name ("web.log", without its folder); absent: something else.
[[nodiscard]] std::optional<rotated_log> parse_rotated_name(std::string_view log, std::string_view entry);

} // namespace procctl
