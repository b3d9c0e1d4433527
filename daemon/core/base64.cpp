#include "daemon/core/base64.h"

#include <cstddef>
#include <cstdint>

namespace procctl {
namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view blanks = " \t\r\n";

} // namespace

std::string to_base64(std::string_view bytes)
{
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::string_view group = bytes.substr(at, 3);
        std::uint32_t bits = 0;
        for (std::size_t n = 0; n < 3; ++n)
            bits = bits << 8 | (n < group.size() ? static_cast<unsigned char>(group[n]) : 0U);
        for (std::size_t n = 0; n < 4; ++n)
            out += n <= group.size() ? digits[bits >> (18 - 6 * n) & 63] : '=';
    }
    return out;
}

result<std::string> from_base64(std::string_view text)
{
    std::string out;
    std::uint32_t bits = 0;
    std::size_t in_group = 0; // characters, padding included
    std::size_t padding = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (blanks.find(c) != blanks.npos) continue;
        const std::string place = " at byte " + std::to_string(at + 1);
        const auto digit = digits.find(c);
        if (c != '=' && digit == digits.npos)
            return make_error("this is not base64: see the character" + place);
        if (padding > 0 && (c != '=' || in_group == 0))
            return make_error("this is not base64: something follows the padding" + place);
        if (c == '=' && in_group < 2) return make_error("this is not base64: padding out of place" + place);
        if (c == '=') ++padding;
        bits = bits << 6 | (c == '=' ? 0U : static_cast<std::uint32_t>(digit));
        if (++in_group < 4) continue;
        if ((bits & ((1U << 8 * padding) - 1)) != 0)
            return make_error("this is not base64: the last character before the padding says too much");
        for (std::size_t n = 0; n + padding < 3; ++n)
            out += static_cast<char>(bits >> (16 - 8 * n) & 0xff);
        bits = 0;
        in_group = 0;
    }
    if (in_group != 0)
        return make_error(
            "this is not base64: its length, without blanks, is no multiple of 4; '=' fills it up");
    return out;
}

} // namespace procctl
