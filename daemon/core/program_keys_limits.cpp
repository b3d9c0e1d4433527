// limit_*: the resource limits of setrlimit(2), one key each.
#include "common/resource_limit.h"
#include "daemon/core/program_keys_values.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace procctl::keys {
namespace {

result<std::uint64_t> parse_count(std::string_view text)
{
    std::uint64_t number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code == std::errc{} && end == text.data() + text.size() && number != unlimited_size) return number;
    return make_error("'" + std::string(text) + "' is neither a whole number nor infinity");
}

// A raw limit, 0 to 40, or with a sign the nice level itself that may be reached: "-5" is 25.
result<std::uint64_t> parse_nice(std::string_view text)
{
    const char sign = text.empty() ? ' ' : text.front();
    const bool is_level = sign == '+' || sign == '-';
    const auto number = parse_count(is_level ? text.substr(1) : text);
    const std::uint64_t most = sign == '+' ? 19 : sign == '-' ? 20 : 40;
    if (!number || *number > most)
        return make_error(
            "'" + std::string(text) +
            "' is neither a limit from 0 to 40 nor, with its sign, a nice level from -20 to +19");
    if (!is_level) return *number;
    return sign == '+' ? 20 - *number : 20 + *number;
}

result<std::uint64_t> parse_value(const limit_name& limit, std::string_view text)
{
    if (limit.key == "nice") return parse_nice(text);
    if (text == "infinity") return unlimited_size;
    switch (limit.unit) {
    case limit_unit::bytes: return parse_size(text);
    case limit_unit::count: return parse_count(text);
    case limit_unit::seconds:
    case limit_unit::microseconds: break;
    }
    const bool in_seconds = limit.unit == limit_unit::seconds;
    const auto parsed = parse_duration(text, in_seconds ? duration(std::chrono::seconds(1)) : duration(1));
    if (!parsed) return parsed.error();
    const auto microseconds = static_cast<std::uint64_t>(parsed->count());
    return in_seconds ? (microseconds + 999'999) / 1'000'000 : microseconds; // never less than asked for
}

std::string format_value(const limit_name& limit, std::uint64_t value)
{
    if (value == unlimited_size) return "infinity";
    return limit.unit == limit_unit::bytes ? format_size(value) : std::to_string(value);
}

// The keys stand in the order of limit_names, so that a row knows its limit by number.
template <std::size_t N>
void parse_limit(program_config& program, const config_value& value, key_errors& errors)
{
    const limit_name& limit = limit_names()[N];
    const std::string* const text = read_filled_text(value, errors);
    if (text == nullptr) return;
    const auto colon = text->find(':');
    const auto soft = parse_value(limit, std::string_view(*text).substr(0, colon));
    if (!soft) return errors.report(value, soft.error().message());
    const auto hard =
        colon == std::string::npos ? soft : parse_value(limit, std::string_view(*text).substr(colon + 1));
    if (!hard) return errors.report(value, hard.error().message());
    if (*soft > *hard)
        return errors.report(value,
                             "'" + *text + "': the soft limit, which stands first, is above the hard one");
    std::erase_if(program.limits, [&](const resource_limit& l) { return l.resource == limit.resource; });
    const auto place =
        std::ranges::lower_bound(program.limits, limit.resource, {}, &resource_limit::resource);
    program.limits.insert(place, {limit.resource, *soft, *hard});
}

template <std::size_t N> config_value format_limit(const program_config& program)
{
    const limit_name& limit = limit_names()[N];
    const auto found = std::ranges::find(program.limits, limit.resource, &resource_limit::resource);
    if (found == program.limits.end()) return {};
    std::string text = format_value(limit, found->soft);
    if (found->soft != found->hard) text += ':' + format_value(limit, found->hard);
    return config_value::scalar(std::move(text));
}

template <std::size_t N>
constexpr program_key row(std::string_view name, std::string_view directive, std::string_view allowed,
                          std::string_view doc)
{
    return {name, directive, key_kind::limit, "", allowed, doc, parse_limit<N>, format_limit<N>};
}

constexpr std::string_view size = "a size, soft or soft:hard";
constexpr std::string_view time = "a duration, soft or soft:hard";
constexpr std::string_view count = "a number, soft or soft:hard";

constexpr auto rows = std::to_array<program_key>({
    row<0>("limit_cpu", "LimitCPU", time, "CPU time; a plain number is seconds."),
    row<1>("limit_fsize", "LimitFSIZE", size, "The size of a file that it writes."),
    row<2>("limit_data", "LimitDATA", size, "The data segment."),
    row<3>("limit_stack", "LimitSTACK", size, "The stack."),
    row<4>("limit_core", "LimitCORE", size, "The size of a core file."),
    row<5>("limit_rss", "LimitRSS", size, "Resident memory; without effect on today's Linux."),
    row<6>("limit_nofile", "LimitNOFILE", count, "Open file descriptors."),
    row<7>("limit_as", "LimitAS", size, "Address space."),
    row<8>("limit_nproc", "LimitNPROC", count, "Processes of the same user, threads included."),
    row<9>("limit_memlock", "LimitMEMLOCK", size, "Memory locked in RAM."),
    row<10>("limit_locks", "LimitLOCKS", count, "File locks."),
    row<11>("limit_sigpending", "LimitSIGPENDING", count, "Signals that wait to be received."),
    row<12>("limit_msgqueue", "LimitMSGQUEUE", size, "Memory for POSIX message queues."),
    row<13>("limit_nice", "LimitNICE", "0 to 40, or a nice level with its sign; soft or soft:hard",
            "How far it may lower its nice level."),
    row<14>("limit_rtprio", "LimitRTPRIO", count, "The real-time priority it may set."),
    row<15>("limit_rttime", "LimitRTTIME", time,
            "CPU time under a real-time policy without a blocking call; a plain number is microseconds."),
});

} // namespace

std::span<const program_key> limit_rows() { return rows; }

} // namespace procctl::keys
