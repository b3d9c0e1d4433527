#include "daemon/output/line_splitter.h"

#include "daemon/output/utf8.h"

namespace procctl::output {

std::optional<line_piece> first_piece(std::string_view bytes, std::size_t longest, std::size_t searched)
{
    const bool is_too_long = bytes.size() > longest;
    // A line of exactly `longest` bytes has its newline behind them.
    const std::string_view within = is_too_long ? bytes.substr(0, longest + 1) : bytes;
    if (const std::size_t newline = within.find('\n', searched); newline != std::string_view::npos)
        return line_piece{.text = bytes.substr(0, newline), .size = newline + 1};
    if (!is_too_long) return std::nullopt;
    const std::size_t cut = utf8_boundary(bytes, longest);
    return line_piece{.text = bytes.substr(0, cut), .size = cut, .is_last = false};
}

} // namespace procctl::output
