#include "daemon/core/utf8.h"

#include <algorithm>
#include <cstdint>

namespace procctl {
namespace {

// The length of the character at the front of the text; 0 when it is none.
std::size_t character_length(std::string_view text)
{
    const auto byte = [&](std::size_t n) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(text[n]));
    };
    const std::uint32_t first = byte(0);
    if (first < 0x80) return 1;
    std::size_t length = 0;
    std::uint32_t value = 0;
    std::uint32_t least = 0; // what a shorter form cannot hold
    if ((first & 0xe0) == 0xc0) {
        length = 2;
        value = first & 0x1f;
        least = 0x80;
    } else if ((first & 0xf0) == 0xe0) {
        length = 3;
        value = first & 0x0f;
        least = 0x800;
    } else if ((first & 0xf8) == 0xf0) {
        length = 4;
        value = first & 0x07;
        least = 0x10000;
    }
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t n = 1; n < length; ++n) {
        if ((byte(n) & 0xc0) != 0x80) return 0;
        value = value << 6 | (byte(n) & 0x3f);
    }
    const bool is_surrogate = value >= 0xd800 && value <= 0xdfff;
    return value < least || value > 0x10ffff || is_surrogate ? 0 : length;
}

} // namespace

std::size_t find_invalid_utf8(std::string_view text)
{
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t length = character_length(text.substr(at));
        if (length == 0) return at;
        at += length;
    }
    return std::string_view::npos;
}

std::string shortened(std::string_view text)
{
    static constexpr std::size_t most = 80;
    if (text.size() <= most) return std::string(text);
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end; // not within a character
    return std::string(text.substr(0, end)) + "…";
}

source_position position_of(std::string_view text, std::size_t byte, const std::string& file)
{
    const std::string_view before = text.substr(0, byte);
    const auto last = before.rfind('\n');
    const std::size_t column = last == std::string_view::npos ? byte : byte - last - 1;
    return {file, static_cast<int>(std::ranges::count(before, '\n')) + 1, static_cast<int>(column) + 1};
}

} // namespace procctl
