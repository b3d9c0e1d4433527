#include "common/time.h"

#include <array>
#include <charconv>

namespace procctl {
namespace {

struct unit {
    std::string_view name;
    std::int64_t microseconds;
};

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;
constexpr std::int64_t week = 7 * day;
constexpr std::int64_t month = 2'629'800 * second; // 30.44 days, as systemd.time(7) counts
constexpr std::int64_t year = 31'557'600 * second; // 365.25 days

// The first that the text starts with wins, so a longer spelling stands before its own beginnings.
constexpr auto units = std::to_array<unit>({
    {"seconds", second}, {"second", second}, {"sec", second},   {"s", second},    {"minutes", minute},
    {"minute", minute},  {"min", minute},    {"months", month}, {"month", month}, {"M", month},
    {"msec", 1000},      {"ms", 1000},       {"m", minute},     {"hours", hour},  {"hour", hour},
    {"hr", hour},        {"h", hour},        {"days", day},     {"day", day},     {"d", day},
    {"weeks", week},     {"week", week},     {"w", week},       {"years", year},  {"year", year},
    {"y", year},         {"usec", 1},        {"us", 1},         {"µs", 1},        {"μs", 1},
});

constexpr std::string_view units_in_words = "us, ms, s, min, h, d, w, month, y";

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view skip_space(std::string_view text)
{
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    return text;
}

// One number with its unit at the front of the text, taken off it; in microseconds. In systemd a number
// without a unit counts seconds also in the midst of others.
class span_reader {
public:
    span_reader(std::string_view text, std::int64_t plain_unit)
        : whole_(text), rest_(text), plain_unit_(plain_unit)
    {
    }

    result<std::int64_t> next()
    {
        if (rest_.front() == '+') rest_.remove_prefix(1);
        std::int64_t whole = 0;
        const auto [end, code] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), whole);
        if (code == std::errc::result_out_of_range) return too_large();
        const bool has_digits = code == std::errc{};
        if (!rest_.empty() && rest_.front() == '-')
            return make_error("invalid duration '" + std::string(whole_) + "': it may not be negative");
        if (has_digits) rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));

        std::string_view fraction;
        if (!rest_.empty() && rest_.front() == '.') {
            rest_.remove_prefix(1);
            fraction = rest_.substr(0, rest_.find_first_not_of("0123456789"));
            if (fraction.empty()) return unexpected();
            rest_.remove_prefix(fraction.size());
        } else if (!has_digits) {
            return unexpected();
        }

        const auto scale = take_unit();
        if (!scale) return scale.error();
        if (whole > infinity.count() / *scale) return too_large();
        std::int64_t value = whole * *scale;
        std::int64_t digit_scale = *scale / 10;
        for (const char c : fraction) {
            const std::int64_t part = (c - '0') * digit_scale;
            if (part > infinity.count() - value) return too_large();
            value += part;
            digit_scale /= 10;
        }
        return value;
    }

    [[nodiscard]] bool at_end()
    {
        rest_ = skip_space(rest_);
        return rest_.empty();
    }

    [[nodiscard]] error too_large() const
    {
        return make_error("invalid duration '" + std::string(whole_) +
                          "': it is too large; 'infinity' means no limit");
    }

private:
    result<std::int64_t> take_unit()
    {
        const std::string_view candidate = skip_space(rest_);
        for (const unit& u : units) {
            if (!candidate.starts_with(u.name)) continue;
            rest_ = candidate.substr(u.name.size());
            return u.microseconds;
        }
        // "12.34.56" and "5x" are mistakes, "5 6" is two numbers.
        if (!rest_.empty() && !is_space(rest_.front())) return unexpected();
        rest_ = candidate;
        if (!rest_.empty() && !is_digit(rest_.front()) && rest_.front() != '.' && rest_.front() != '+')
            return unexpected();
        return plain_unit_;
    }

    [[nodiscard]] error unexpected() const
    {
        const std::string_view word = rest_.substr(0, rest_.find_first_of(" \t\n\r0123456789"));
        if (word.empty())
            return make_error("invalid duration '" + std::string(whole_) + "': a number is missing");
        return make_error("invalid duration '" + std::string(whole_) + "': '" + std::string(word) +
                          "' is not a unit; units are " + std::string(units_in_words));
    }

    std::string_view whole_;
    std::string_view rest_;
    std::int64_t plain_unit_;
};

// "1.5" of 1500 thousandths.
std::string with_fraction(std::int64_t value, std::int64_t scale)
{
    std::string text = std::to_string(value / scale);
    std::int64_t rest = value % scale;
    if (rest == 0) return text;
    text += '.';
    for (std::int64_t digit_scale = scale / 10; rest > 0; digit_scale /= 10) {
        text += static_cast<char>('0' + rest / digit_scale);
        rest %= digit_scale;
    }
    return text;
}

} // namespace

result<duration> parse_duration(std::string_view text, duration plain_unit)
{
    std::string_view trimmed = skip_space(text);
    while (!trimmed.empty() && is_space(trimmed.back()))
        trimmed.remove_suffix(1);
    if (trimmed.empty()) return make_error("a duration is empty: write for example 5s or 1min 30s");
    if (trimmed == "infinity") return infinity;

    span_reader reader(trimmed, plain_unit.count());
    std::int64_t sum = 0;
    while (!reader.at_end()) {
        const auto part = reader.next();
        if (!part) return part.error();
        if (*part >= infinity.count() - sum) return reader.too_large();
        sum += *part;
    }
    return duration(sum);
}

std::string format_duration(duration d)
{
    if (d == infinity) return "infinity";
    std::int64_t rest = d.count();
    if (rest <= 0) return "0";

    static constexpr auto long_units = std::to_array<unit>(
        {{"y", year}, {"month", month}, {"w", week}, {"d", day}, {"h", hour}, {"min", minute}});
    std::string text;
    const auto append = [&](const std::string& number, std::string_view name) {
        if (!text.empty()) text += ' ';
        text += number;
        text += name;
    };
    for (const unit& u : long_units) {
        if (rest < u.microseconds) continue;
        append(std::to_string(rest / u.microseconds), u.name);
        rest %= u.microseconds;
    }
    // Below a minute a fraction reads better than several units: "1.5s".
    if (rest >= second)
        append(with_fraction(rest, second), "s");
    else if (rest >= 1000)
        append(with_fraction(rest, 1000), "ms");
    else if (rest > 0)
        append(std::to_string(rest), "us");
    return text;
}

} // namespace procctl
