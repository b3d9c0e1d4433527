#include "daemon/core/escapes.h"

#include "daemon/core/utf8.h"

#include <cstdint>

namespace procctl {
namespace {

int digit_of(char c, int base)
{
    int value = base;
    if (c >= '0' && c <= '9') value = c - '0';
    if (c >= 'a' && c <= 'f') value = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') value = c - 'A' + 10;
    return value < base ? value : -1;
}

void append_utf8(std::string& out, std::uint32_t c)
{
    const auto byte = [&](std::uint32_t b) { out += static_cast<char>(b); };
    const auto tail = [&](unsigned shift) { byte(0x80 | ((c >> shift) & 0x3f)); };
    if (c < 0x80) {
        byte(c);
    } else if (c < 0x800) {
        byte(0xc0 | c >> 6);
        tail(0);
    } else if (c < 0x10000) {
        byte(0xe0 | c >> 12);
        tail(6);
        tail(0);
    } else {
        byte(0xf0 | c >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

// `at` is at the first digit; `begin` at the backslash.
result<void> append_number(std::string& out, std::string_view text, std::size_t begin, std::size_t& at,
                           std::size_t digits, int base, nul_bytes nul)
{
    const auto wrong = [&](const std::string& why) {
        return make_error("invalid escape '" +
                          std::string(text.substr(begin, at - begin + (at < text.size() ? 1 : 0))) +
                          "' at byte " + std::to_string(begin + 1) + ": " + why);
    };
    std::uint32_t value = 0;
    for (std::size_t n = 0; n < digits; ++n, ++at) {
        const int digit = at < text.size() ? digit_of(text[at], base) : -1;
        if (digit < 0)
            return wrong(std::to_string(digits) + (base == 8 ? " octal" : " hexadecimal") + " digits follow");
        value = value * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digit);
    }
    --at;
    if (value == 0 && nul == nul_bytes::refused) return wrong("a NUL cannot be passed to a program");
    if (digits <= 3) { // a byte
        if (value > 255) return wrong("a byte is at most \\377");
        out += static_cast<char>(value);
    } else { // a character
        if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return wrong("no such character");
        append_utf8(out, value);
    }
    return {};
}

void append_byte(std::string& out, unsigned char byte)
{
    static constexpr std::string_view digits = "0123456789abcdef";
    ((out += "\\x") += digits[byte >> 4]) += digits[byte & 15];
}

// Without bytes that are no UTF-8.
void append_escaped(std::string& out, std::string_view text)
{
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\\')
            out += "\\\\";
        else if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f)
            append_byte(out, byte);
        else
            out += c;
    }
}

} // namespace

result<void> append_escape(std::string& out, std::string_view text, std::size_t& at, nul_bytes nul)
{
    const std::size_t begin = at++;
    if (at == text.size())
        return make_error("a backslash at the end (byte " + std::to_string(begin + 1) +
                          "): write \\\\ for a backslash");
    switch (const char c = text[at]; c) {
    case 'a': out += '\a'; return {};
    case 'b': out += '\b'; return {};
    case 'f': out += '\f'; return {};
    case 'n': out += '\n'; return {};
    case 'r': out += '\r'; return {};
    case 't': out += '\t'; return {};
    case 'v': out += '\v'; return {};
    case 's': out += ' '; return {};
    case '\\':
    case '"':
    case '\'': out += c; return {};
    case 'x': ++at; return append_number(out, text, begin, at, 2, 16, nul);
    case 'u': ++at; return append_number(out, text, begin, at, 4, 16, nul);
    case 'U': ++at; return append_number(out, text, begin, at, 8, 16, nul);
    default: break;
    }
    if (digit_of(text[at], 8) >= 0) return append_number(out, text, begin, at, 3, 8, nul);
    return make_error("unknown escape '" + std::string(text.substr(begin, 2)) + "' at byte " +
                      std::to_string(begin + 1) + ": write \\\\ for a backslash");
}

result<std::string> unescape(std::string_view text, nul_bytes nul)
{
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\\')
            out += text[at];
        else if (auto added = append_escape(out, text, at, nul); !added)
            return added.error();
    }
    return out;
}

std::string escape(std::string_view text)
{
    std::string out;
    while (true) {
        const auto bad = find_invalid_utf8(text);
        append_escaped(out, text.substr(0, bad));
        if (bad == std::string_view::npos) return out;
        append_byte(out, static_cast<unsigned char>(text[bad]));
        text.remove_prefix(bad + 1);
    }
}

} // namespace procctl
