#include "daemon/output/line_formatter.h"

#include "daemon/output/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace procctl::output {
namespace {

using namespace std::chrono;

void append_digits(std::string& to, std::int64_t value, int digits)
{
    char text[8];
    for (int i = digits; i-- > 0; value /= 10)
        text[i] = static_cast<char>('0' + value % 10);
    to.append(text, static_cast<std::size_t>(digits));
}

// Whether any of eight bytes has to be escaped, or is not ASCII. Each term has the highest bit of a byte set
// when that byte is: below 0x20; a quote; a backslash. Bytes above 0x7F are caught by their own highest bit,
// so that a borrow between bytes can only add a false alarm.
bool is_special(std::uint64_t word)
{
    constexpr std::uint64_t ones = 0x0101010101010101U;
    constexpr std::uint64_t tops = 0x8080808080808080U;
    const std::uint64_t quotes = word ^ (ones * '"');
    const std::uint64_t backslashes = word ^ (ones * '\\');
    return ((word | (word - ones * 0x20) | (quotes - ones) | (backslashes - ones)) & tops) != 0;
}

// How many bytes at the beginning can stand in a JSON string as they are and are ASCII.
std::size_t plain_size(std::string_view text)
{
    std::size_t size = 0;
    for (std::uint64_t word = 0; size + sizeof word <= text.size(); size += sizeof word) {
        std::memcpy(&word, text.data() + size, sizeof word);
        if (is_special(word)) break;
    }
    for (; size < text.size(); ++size) {
        const auto c = static_cast<unsigned char>(text[size]);
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
    }
    return size;
}

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

void append_escaped(std::string& to, char c)
{
    switch (c) {
    case '"': to += "\\\""; return;
    case '\\': to += "\\\\"; return;
    case '\b': to += "\\b"; return;
    case '\f': to += "\\f"; return;
    case '\n': to += "\\n"; return;
    case '\r': to += "\\r"; return;
    case '\t': to += "\\t"; return;
    default: break;
    }
    constexpr char digits[] = "0123456789abcdef";
    const auto value = static_cast<unsigned char>(c);
    to += "\\u00";
    to += digits[value >> 4U];
    to += digits[value & 15U];
}

void append_numbers(std::string& to, std::string_view bytes)
{
    to += '[';
    for (const char c : bytes) {
        const auto value = static_cast<unsigned char>(c);
        append_digits(to, value, value >= 100 ? 3 : value >= 10 ? 2 : 1);
        to += ',';
    }
    to.back() = ']'; // bytes that are not UTF-8 are not empty
}

} // namespace

void append_time(std::string& to, wall_time at, std::optional<seconds> utc_offset)
{
    const auto offset = utc_offset ? duration_cast<minutes>(*utc_offset) : minutes(0);
    const auto there = at + offset;
    const auto day = floor<days>(there);
    const year_month_day date(day);
    const hh_mm_ss time(there - day);
    append_digits(to, int{date.year()}, 4);
    to += '-';
    append_digits(to, unsigned{date.month()}, 2);
    to += '-';
    append_digits(to, unsigned{date.day()}, 2);
    to += 'T';
    append_digits(to, time.hours().count(), 2);
    to += ':';
    append_digits(to, time.minutes().count(), 2);
    to += ':';
    append_digits(to, time.seconds().count(), 2);
    to += '.';
    append_digits(to, time.subseconds().count(), 6);
    if (!utc_offset) {
        to += 'Z';
        return;
    }
    const std::int64_t distance = std::abs(offset.count());
    to += offset.count() < 0 ? '-' : '+';
    append_digits(to, distance / 60, 2);
    to += ':';
    append_digits(to, distance % 60, 2);
}

void append_json_text(std::string& to, std::string_view text)
{
    std::size_t plain = plain_size(text);
    if (plain < text.size() && !is_valid_utf8(text.substr(plain))) return append_numbers(to, text);
    to += '"';
    for (;;) {
        to.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) break;
        if (is_ascii(text[0])) {
            append_escaped(to, text[0]);
            text.remove_prefix(1);
            plain = plain_size(text);
        } else {
            plain = static_cast<std::size_t>(std::ranges::find_if(text, is_ascii) - text.begin());
        }
    }
    to += '"';
}

std::string json_names(std::string_view program, std::string_view instance, std::string_view stream)
{
    std::string names = "\"program\":";
    append_json_text(names, program);
    names += ",\"instance\":";
    append_json_text(names, instance);
    names += ",\"stream\":";
    append_json_text(names, stream);
    names += ',';
    names.shrink_to_fit();
    return names;
}

void append_json_head(std::string& to, std::string_view time, std::string_view names, pid_t pid)
{
    to += "{\"time\":\"";
    to += time;
    to += "\",";
    to += names;
    if (pid != 0) {
        to += "\"pid\":";
        to += std::to_string(pid);
        to += ',';
    }
    to += "\"message\":";
}

void append_json_message(std::string& to, std::string_view message, bool is_partial)
{
    append_json_text(to, message);
    to += is_partial ? ",\"partial\":true}\n" : "}\n";
}

} // namespace procctl::output
