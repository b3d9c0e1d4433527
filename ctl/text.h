// Text for terminals: its width, what may be shown, and times as people say them. Pure, but for the time
// zone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace procctl::ctl {

// How the output looks.
struct view {
    unsigned width = 0; // of the terminal, in columns; 0: as wide as it gets
    bool color = false;
    std::uint64_t now = 0; // µs since the epoch
};

enum class color { none, bold, dim, red, green, yellow };
[[nodiscard]] std::string painted(std::string_view text, color, const view&);

// Without what could steer a terminal: control characters become '?'. For whatever may hold foreign text.
[[nodiscard]] std::string printable(std::string_view text);
// In columns, where every character of UTF-8 takes one.
[[nodiscard]] std::size_t columns(std::string_view text);
// At most `width` columns, the last of them "…" if something was left out.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t width);
[[nodiscard]] std::string padded(std::string text, std::size_t width);

// "45s", "3min 12s", "2h 5min", "3d 4h".
[[nodiscard]] std::string short_span(std::uint64_t microseconds);
// "Fri 2026-11-20 12:45:56 UTC", in the local time zone.
[[nodiscard]] std::string date_text(std::uint64_t microseconds);
// "Fri 2026-11-20 12:45:56 UTC; 3min 12s ago".
[[nodiscard]] std::string since_text(std::uint64_t microseconds, const view&);

} // namespace procctl::ctl
