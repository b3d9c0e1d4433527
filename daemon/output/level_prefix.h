// The level that a line names itself: "<3>text" is "text" of level 3 (sd-daemon(3)).
//
// What counts as one is what systemd's journald takes from a service's standard output: "<0>" to "<7>", and
// the same with leading zeros, "<03>" and "<003>" (measured on 252). Any other number stays part of the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace procctl::output {

struct leveled_line {
    std::string_view text;
    std::uint8_t level = 6; // 0 (emergency) to 7 (debug)
};

// `level` is that of a line without a prefix.
[[nodiscard]] constexpr leveled_line take_level_prefix(std::string_view line, std::uint8_t level)
{
    const std::size_t end = line.substr(0, 5).find('>');
    if (!line.starts_with('<') || end == std::string_view::npos || end < 2) return {line, level};
    for (const char c : line.substr(1, end - 2))
        if (c != '0') return {line, level};
    const char digit = line[end - 1];
    if (digit < '0' || digit > '7') return {line, level};
    return {line.substr(end + 1), static_cast<std::uint8_t>(digit - '0')};
}

} // namespace procctl::output
