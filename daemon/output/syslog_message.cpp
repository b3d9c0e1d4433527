#include "daemon/output/syslog_message.h"

#include <algorithm>

namespace procctl::output {
namespace {

using namespace std::chrono;

void append_two(std::string& to, std::int64_t value, char filler)
{
    to += value < 10 ? filler : static_cast<char>('0' + value / 10);
    to += static_cast<char>('0' + value % 10);
}

void append_cleaned(std::string& to, std::string_view text)
{
    const std::size_t old = to.size();
    to += text;
    std::replace_if(
        to.begin() + static_cast<std::ptrdiff_t>(old), to.end(),
        [](char c) { return c == '\0' || c == '\n'; }, ' ');
}

} // namespace

void append_syslog_message(std::string& to, const syslog_origin& origin, std::uint8_t level, wall_time at,
                           seconds utc_offset, std::string_view text)
{
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const auto there = at + utc_offset;
    const auto day = floor<days>(there);
    const year_month_day date(day);
    const hh_mm_ss time(floor<seconds>(there - day));
    to += '<';
    to += std::to_string(origin.facility * 8 + level);
    to += '>';
    to += months.substr((unsigned{date.month()} - 1) * 3, 3);
    to += ' ';
    append_two(to, unsigned{date.day()}, ' ');
    to += ' ';
    append_two(to, time.hours().count(), '0');
    to += ':';
    append_two(to, time.minutes().count(), '0');
    to += ':';
    append_two(to, time.seconds().count(), '0');
    to += ' ';
    append_cleaned(to, origin.tag);
    if (origin.pid != 0) {
        to += '[';
        to += std::to_string(origin.pid);
        to += ']';
    }
    to += ": ";
    append_cleaned(to, text);
}

} // namespace procctl::output
