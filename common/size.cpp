#include "common/size.h"

#include <array>
#include <charconv>

namespace procctl {
namespace {

struct unit {
    char suffix;
    std::uint64_t bytes;
};

constexpr auto units = std::to_array<unit>({{'E', 1ULL << 60},
                                            {'P', 1ULL << 50},
                                            {'T', 1ULL << 40},
                                            {'G', 1ULL << 30},
                                            {'M', 1ULL << 20},
                                            {'K', 1ULL << 10},
                                            {'B', 1}});

// What the kernel can count as a file size.
constexpr std::uint64_t largest = INT64_MAX;

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void skip_space(std::string_view& text)
{
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
}

// The digits behind the point, of one unit, in bytes; what is less than a byte is dropped, as in systemd.
std::uint64_t fraction_of(std::string_view digits, std::uint64_t bytes)
{
    long double fraction = 0;
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit)
        fraction = (fraction + static_cast<long double>(*digit - '0')) / 10;
    return static_cast<std::uint64_t>(fraction * static_cast<long double>(bytes));
}

} // namespace

result<std::uint64_t> parse_size(std::string_view text)
{
    const auto wrong = [&](const std::string& why) {
        return make_error("invalid size '" + std::string(text) + "': " + why);
    };
    const auto too_large = [&] { return wrong("it is too large; 'infinity' means no limit"); };
    static constexpr auto units_in_words = "units are B, K, M, G, T, P, E, each 1024 times the one before";

    std::string_view rest = text;
    skip_space(rest);
    while (!rest.empty() && is_space(rest.back()))
        rest.remove_suffix(1);
    if (rest.empty()) return make_error("a size is empty: write for example 4096, 50M or 1G");
    if (rest == "infinity") return unlimited_size;

    std::uint64_t sum = 0;
    std::size_t first_unit = 0; // "1G 500M": units only become smaller
    while (!rest.empty()) {
        if (rest.front() == '-') return wrong("it may not be negative");
        std::uint64_t whole = 0;
        const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), whole);
        if (code == std::errc::result_out_of_range) return too_large();
        if (code != std::errc{} && first_unit > 0 && rest == "B")
            return wrong("a unit is one letter, and 1024 times the one before");
        if (code != std::errc{} && rest == "unlimited") return wrong("write infinity");
        if (code != std::errc{}) return wrong(std::string("a number is missing; ") + units_in_words);
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));

        std::string_view fraction;
        if (!rest.empty() && rest.front() == '.') {
            rest.remove_prefix(1);
            fraction = rest.substr(0, rest.find_first_not_of("0123456789"));
            if (fraction.empty()) return wrong("digits are missing after the point");
            rest.remove_prefix(fraction.size());
        }
        skip_space(rest);

        std::uint64_t scale = 1;
        if (!rest.empty()) {
            std::size_t n = first_unit;
            while (n < units.size() && units[n].suffix != rest.front())
                ++n;
            if (n == units.size())
                return wrong("'" + std::string(rest) + "' is not understood; " + units_in_words);
            scale = units[n].bytes;
            first_unit = n + 1;
            rest.remove_prefix(1);
            skip_space(rest);
        }
        if (whole > largest / scale) return too_large();
        const std::uint64_t part = whole * scale + fraction_of(fraction, scale);
        if (part > largest || part > largest - sum) return too_large();
        sum += part;
    }
    return sum;
}

std::string format_size(std::uint64_t bytes)
{
    if (bytes == unlimited_size) return "infinity";
    for (const unit& u : units) {
        if (u.bytes == 1) break;
        if (bytes >= u.bytes && bytes % u.bytes == 0) return std::to_string(bytes / u.bytes) + u.suffix;
    }
    return std::to_string(bytes);
}

} // namespace procctl
