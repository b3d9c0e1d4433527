#include "daemon/control/log_parameters.h"

#include <charconv>

namespace procctl {
namespace {

constexpr unsigned most_lines = 1'000'000;
constexpr std::size_t longest_pattern = 1000; // what a compiled pattern needs grows faster than its text

template <class Number> bool read_number(std::string_view text, Number& number)
{
    const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failed == std::errc{} && rest == text.data() + text.size();
}

error wrong(std::string_view name, std::string_view value, std::string_view allowed)
{
    return make_error("the parameter '" + std::string(name) + "' is '" + std::string(value) + "'; it is " +
                      std::string(allowed));
}

result<bool> flag(const request_target& target, std::string_view name)
{
    const std::string* const value = target.find(name);
    if (value == nullptr || *value == "false" || *value == "0") return false;
    if (*value == "true" || *value == "1" || value->empty()) return true;
    return wrong(name, *value, "true or false");
}

result<std::optional<std::int64_t>> time_of(const request_target& target, std::string_view name)
{
    const std::string* const value = target.find(name);
    if (value == nullptr) return std::optional<std::int64_t>();
    std::int64_t time = 0;
    if (!read_number(*value, time) || time < 0)
        return wrong(name, *value, "a number of microseconds since the epoch");
    return std::optional(time);
}

result<void> read_lines(const request_target& target, log_selection& out)
{
    const std::string* const value = target.find("lines");
    const bool is_all =
        value == nullptr ? out.since || out.until || (out.pattern && !out.follow) : *value == "all";
    if (is_all) {
        out.lines.reset();
        return {};
    }
    if (value == nullptr) return {};
    unsigned lines = 0;
    if (!read_number(*value, lines) || lines > most_lines)
        return wrong("lines", *value, "a number from 0 to 1000000, or all");
    out.lines = lines;
    return {};
}

result<void> read_words(const request_target& target, log_selection& out)
{
    if (const std::string* const stream = target.find("stream")) {
        if (*stream != "stdout" && *stream != "stderr") return wrong("stream", *stream, "stdout or stderr");
        out.stream = *stream;
    }
    if (const std::string* const output = target.find("output")) {
        if (*output != "raw" && *output != "json") return wrong("output", *output, "raw or json");
        if (*output == "json") out.output = log_output::json;
    }
    if (const std::string* const pattern = target.find("grep")) {
        if (pattern->size() > longest_pattern)
            return make_error("the parameter 'grep' is longer than 1000 bytes");
        out.pattern = *pattern;
    }
    return {};
}

} // namespace

result<log_selection> read_log_selection(const request_target& target)
{
    log_selection out;
    const auto follow = flag(target, "follow");
    const auto color = flag(target, "color");
    const auto since = time_of(target, "since");
    const auto until = time_of(target, "until");
    if (!follow) return follow.error();
    if (!color) return color.error();
    if (!since) return since.error();
    if (!until) return until.error();
    out.follow = *follow;
    out.has_color = *color;
    out.since = *since;
    out.until = *until;
    if (out.since && out.until && *out.since > *out.until)
        return make_error("the parameter 'since' names a later time than 'until'");
    if (out.follow && out.until) return make_error("the parameters 'follow' and 'until' exclude each other");
    if (const auto read = read_words(target, out); !read) return read.error();
    if (const auto read = read_lines(target, out); !read) return read.error();
    return out;
}

} // namespace procctl
