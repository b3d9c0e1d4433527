#include "daemon/output/utf8.h"

#include <cstdint>
#include <cstring>

namespace procctl::output {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// The bytes of the character at the beginning of a text that is not empty; 0: there is none.
std::size_t character_size(std::string_view text)
{
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0; // C0 and C1 begin forms that are longer than needed
    const std::size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i)
        if (!is_continuation(text[i])) return 0;
    const auto second = static_cast<unsigned char>(text[1]);
    if (first == 0xE0 && second < 0xA0) return 0;
    if (first == 0xED && second >= 0xA0) return 0; // surrogates
    if (first == 0xF0 && second < 0x90) return 0;
    if (first == 0xF4 && second >= 0x90) return 0; // above U+10FFFF
    return size;
}

// How many bytes at the beginning are ASCII; may stop early.
std::size_t ascii_size(std::string_view text)
{
    std::size_t size = 0;
    for (std::uint64_t word = 0; size + sizeof word <= text.size(); size += sizeof word) {
        std::memcpy(&word, text.data() + size, sizeof word);
        if ((word & 0x8080808080808080U) != 0) break;
    }
    return size;
}

} // namespace

bool is_valid_utf8(std::string_view text)
{
    while (!text.empty()) {
        text.remove_prefix(ascii_size(text));
        if (text.empty()) break;
        const std::size_t size = character_size(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

std::size_t utf8_boundary(std::string_view text, std::size_t limit)
{
    for (std::size_t cut = limit; cut + 4 > limit; --cut)
        if (!is_continuation(text[cut])) return cut;
    return limit; // four continuation bytes in a row are in no character
}

} // namespace procctl::output
