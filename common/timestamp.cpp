#include "common/timestamp.h"

#include "common/time.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

namespace procctl {
namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t last_second = 253'402'300'799; // of the year 9999

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes text from its beginning, as long as it is what is asked for.
class scanner {
public:
    explicit scanner(std::string_view text) : rest_(text) {}

    // A number of at least `least` and at most `most` digits.
    bool number(std::size_t least, std::size_t most, int& out)
    {
        std::size_t size = 0;
        int value = 0;
        for (; size < most && size < rest_.size() && is_digit(rest_[size]); ++size)
            value = value * 10 + (rest_[size] - '0');
        if (size < least) return false;
        rest_.remove_prefix(size);
        out = value;
        return true;
    }
    bool skip(char c)
    {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool skip(std::string_view word)
    {
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }
    // Digits after a point, as millionths; what is finer is left out. None: 0.
    bool fraction(std::int64_t& out)
    {
        out = 0;
        if (!rest_.starts_with('.')) return true;
        if (rest_.size() < 2 || !is_digit(rest_[1])) return false;
        rest_.remove_prefix(1);
        std::int64_t unit = second;
        for (; !rest_.empty() && is_digit(rest_.front()); rest_.remove_prefix(1))
            out += (rest_.front() - '0') * (unit /= 10);
        return true;
    }
    [[nodiscard]] std::string_view rest() const { return rest_; }
    void rewind(std::string_view to) { rest_ = to; }

private:
    std::string_view rest_;
};

struct calendar_time {
    int year = 0, month = 0, day = 0;
    int hour = 0, minute = 0, seconds = 0;
    std::int64_t microseconds = 0;
};

std::chrono::year_month_day date_of(const calendar_time& t)
{
    using namespace std::chrono;
    return year{t.year} / month{static_cast<unsigned>(t.month)} / day{static_cast<unsigned>(t.day)};
}

bool is_valid(const calendar_time& t)
{
    return t.year >= 1970 && date_of(t).ok() && t.hour < 24 && t.minute < 60 && t.seconds <= 60;
}

// Absent: before the epoch.
std::optional<std::int64_t> utc(const calendar_time& t, int offset_seconds)
{
    const std::int64_t days = std::chrono::sys_days(date_of(t)).time_since_epoch().count();
    const std::int64_t seconds = days * 86400 + t.hour * 3600 + t.minute * 60 + t.seconds - offset_seconds;
    if (seconds < 0) return {};
    return seconds * second + t.microseconds;
}

// `days` are added to the date; mktime(3) carries.
std::optional<std::int64_t> local(const calendar_time& t, int days = 0)
{
    std::tm parts{};
    parts.tm_year = t.year - 1900;
    parts.tm_mon = t.month - 1;
    parts.tm_mday = t.day + days;
    parts.tm_hour = t.hour;
    parts.tm_min = t.minute;
    parts.tm_sec = t.seconds;
    parts.tm_isdst = -1; // whichever is in force then
    const std::time_t seconds = std::mktime(&parts);
    if (seconds < 0) return {};
    return seconds * second + t.microseconds;
}

bool read_date(scanner& in, calendar_time& t)
{
    return in.number(4, 4, t.year) && in.skip('-') && in.number(2, 2, t.month) && in.skip('-') &&
           in.number(2, 2, t.day);
}

// The seconds may be missing where people write.
bool read_clock(scanner& in, calendar_time& t, bool is_written_by_people)
{
    if (!in.number(is_written_by_people ? 1 : 2, 2, t.hour) || !in.skip(':') || !in.number(2, 2, t.minute))
        return false;
    if (!in.skip(':')) return is_written_by_people;
    return in.number(2, 2, t.seconds) && in.fraction(t.microseconds);
}

// "Z", "+01:00", "-0330". False when there is none; then nothing is taken.
bool read_offset(scanner& in, int& seconds)
{
    seconds = 0;
    if (in.skip('Z')) return true;
    const std::string_view before = in.rest();
    const bool is_west = before.starts_with('-');
    int hours = 0;
    int minutes = 0;
    if ((in.skip('+') || in.skip('-')) && in.number(2, 2, hours)) {
        in.skip(':');
        if (in.number(2, 2, minutes) && hours < 24 && minutes < 60) {
            seconds = (hours * 3600 + minutes * 60) * (is_west ? -1 : 1);
            return true;
        }
    }
    in.rewind(before);
    return false;
}

constexpr std::array<std::string_view, 7> weekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

bool is_same_word(std::string_view a, std::string_view b)
{
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

// The day of the week as people write it, "Fri" or "Friday"; absent: there is none.
std::optional<unsigned> read_weekday(scanner& in)
{
    const std::string_view word = in.rest().substr(0, in.rest().find_first_of(" ,"));
    for (unsigned day = 0; day < weekdays.size(); ++day)
        if (is_same_word(word, weekdays[day]) || is_same_word(word, weekdays[day].substr(0, 3))) {
            in.skip(word);
            in.skip(',');
            in.skip_spaces();
            return day;
        }
    return {};
}

calendar_time midnight_of(std::int64_t now)
{
    const auto seconds = static_cast<std::time_t>(now / second);
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    return {.year = parts.tm_year + 1900, .month = parts.tm_mon + 1, .day = parts.tm_mday};
}

std::optional<std::int64_t> read_calendar(std::string_view text, std::int64_t now)
{
    scanner in(text);
    const auto weekday = read_weekday(in);
    calendar_time t;
    if (read_date(in, t)) {
        const bool has_clock = in.skip('T') || in.skip(' ');
        in.skip_spaces();
        const std::string_view before = in.rest();
        if (has_clock && !read_clock(in, t, true)) {
            // "2026-11-20 UTC" has none.
            if (before != "UTC") return {};
            in.rewind(before);
        }
    } else {
        in = scanner(text);
        if (weekday) return {}; // a day of the week alone says no date
        t = midnight_of(now);
        if (!read_clock(in, t, true)) return {};
    }
    if (!is_valid(t)) return {};
    if (weekday && std::chrono::weekday(std::chrono::sys_days(date_of(t))).c_encoding() != *weekday)
        return {};
    int offset = 0;
    const bool has_offset = read_offset(in, offset);
    in.skip_spaces();
    const bool is_utc = has_offset || in.skip("UTC");
    if (!in.rest().empty()) return {};
    return is_utc ? utc(t, offset) : local(t);
}

std::optional<std::int64_t> read_epoch(std::string_view text)
{
    std::int64_t seconds = 0;
    std::size_t size = 0;
    for (; size < text.size() && is_digit(text[size]); ++size) {
        seconds = seconds * 10 + (text[size] - '0');
        if (seconds > last_second) return {};
    }
    if (size == 0) return {};
    scanner in(text.substr(size));
    std::int64_t microseconds = 0;
    if (!in.fraction(microseconds) || !in.rest().empty()) return {};
    return seconds * second + microseconds;
}

std::optional<std::int64_t> moved(std::int64_t now, std::string_view by, int direction)
{
    const auto span = parse_duration(by);
    if (!span || *span == infinity) return {};
    if (direction < 0) return std::max<std::int64_t>(0, now - span->count());
    if (span->count() > last_second * second - now) return {};
    return now + span->count();
}

std::optional<std::int64_t> read_timestamp(std::string_view text, std::int64_t now)
{
    if (text == "now") return now;
    if (text == "today") return local(midnight_of(now));
    if (text == "yesterday") return local(midnight_of(now), -1);
    if (text == "tomorrow") return local(midnight_of(now), 1);
    if (text.starts_with('@')) return read_epoch(text.substr(1));
    if (text.starts_with('-')) return moved(now, text.substr(1), -1);
    if (text.starts_with('+')) return moved(now, text.substr(1), 1);
    if (text.ends_with(" ago")) return moved(now, text.substr(0, text.size() - 4), -1);
    if (text.ends_with(" left")) return moved(now, text.substr(0, text.size() - 5), 1);
    return read_calendar(text, now);
}

std::string_view trimmed(std::string_view text)
{
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

} // namespace

result<std::int64_t> parse_timestamp(std::string_view text, std::int64_t now)
{
    if (const auto time = read_timestamp(trimmed(text), now)) return *time;
    return make_error(
        "'" + std::string(text) +
        "' is not a time since 1970; it is a date, a time of day or both (\"2026-11-20 17:56:29\", "
        "\"17:56\"), \"now\", \"today\", \"yesterday\", a span (\"2h ago\", \"-1h 30min\"), seconds "
        "since the epoch (\"@1763661389\") or RFC 3339 (\"2026-11-20T17:56:29Z\")");
}

std::optional<leading_time> read_leading_time(std::string_view text)
{
    scanner in(text);
    calendar_time t;
    if (!read_date(in, t) || !(in.skip('T') || in.skip(' ')) || !read_clock(in, t, false) || !is_valid(t))
        return {};
    int offset = 0;
    const bool has_offset = read_offset(in, offset);
    const auto time = has_offset ? utc(t, offset) : local(t);
    if (!time) return {};
    return leading_time{*time, text.size() - in.rest().size()};
}

std::string format_rfc3339(std::int64_t time)
{
    using namespace std::chrono;
    const sys_time<microseconds> at{microseconds(time)};
    const sys_days day = floor<days>(at);
    const year_month_day date{day};
    const hh_mm_ss clock{at - day};
    const auto digits = [](std::int64_t value, std::size_t size) {
        std::string text = std::to_string(value);
        return text.size() < size ? std::string(size - text.size(), '0') + text : text;
    };
    return digits(int{date.year()}, 4) + '-' + digits(unsigned{date.month()}, 2) + '-' +
           digits(unsigned{date.day()}, 2) + 'T' + digits(clock.hours().count(), 2) + ':' +
           digits(clock.minutes().count(), 2) + ':' + digits(clock.seconds().count(), 2) + '.' +
           digits(clock.subseconds().count(), 6) + 'Z';
}

} // namespace procctl
