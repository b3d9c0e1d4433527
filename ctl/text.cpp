#include "ctl/text.h"

#include <algorithm>
#include <array>
#include <ctime>

namespace procctl::ctl {
namespace {

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

std::string_view code_of(color c)
{
    switch (c) {
    case color::none: return "";
    case color::bold: return "\x1b[1m";
    case color::dim: return "\x1b[2m";
    case color::red: return "\x1b[1;31m";
    case color::green: return "\x1b[1;32m";
    case color::yellow: return "\x1b[1;33m";
    }
    return "";
}

} // namespace

std::string painted(std::string_view text, color c, const view& how)
{
    if (!how.color || c == color::none) return std::string(text);
    return std::string(code_of(c)).append(text) + "\x1b[0m";
}

std::string printable(std::string_view text)
{
    std::string out(text);
    std::ranges::replace_if(
        out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    // U+0080 to U+009F are control characters as well, and some terminals obey them.
    for (std::size_t at = 0; (at = out.find('\xC2', at)) != std::string::npos; ++at)
        if (at + 1 < out.size() && static_cast<unsigned char>(out[at + 1]) < 0xA0) out.replace(at, 2, "?");
    return out;
}

std::size_t columns(std::string_view text)
{
    return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::string shortened(std::string_view text, std::size_t width)
{
    if (columns(text) <= width) return std::string(text);
    if (width == 0) return {};
    std::size_t end = 0;
    for (std::size_t seen = 0; end < text.size(); ++end)
        if (begins_character(text[end]) && ++seen == width) break;
    return std::string(text.substr(0, end)) + "…";
}

std::string padded(std::string text, std::size_t width)
{
    const std::size_t has = columns(text);
    if (has < width) text.append(width - has, ' ');
    return text;
}

std::string short_span(std::uint64_t microseconds)
{
    struct unit {
        std::uint64_t seconds;
        const char* name;
    };
    static constexpr std::array<unit, 5> units{
        {{86400ULL * 365, "y"}, {86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}};
    const std::uint64_t seconds = microseconds / 1'000'000;
    for (std::size_t i = 0; i < units.size(); ++i) {
        if (seconds < units[i].seconds) continue;
        std::string text = std::to_string(seconds / units[i].seconds) + units[i].name;
        if (i + 1 == units.size()) return text;
        const std::uint64_t rest = seconds % units[i].seconds / units[i + 1].seconds;
        return rest == 0 ? text : text + ' ' + std::to_string(rest) + units[i + 1].name;
    }
    return "0s";
}

std::string date_text(std::uint64_t microseconds)
{
    const auto seconds = static_cast<std::time_t>(microseconds / 1'000'000);
    std::tm parts{};
    if (::localtime_r(&seconds, &parts) == nullptr) return "?";
    std::array<char, 64> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%a %Y-%m-%d %H:%M:%S %Z", &parts);
    return {text.data(), size};
}

std::string since_text(std::uint64_t microseconds, const view& how)
{
    // The clock may have been set back since.
    const std::uint64_t ago = how.now > microseconds ? how.now - microseconds : 0;
    return date_text(microseconds) + "; " + short_span(ago) + " ago";
}

} // namespace procctl::ctl
