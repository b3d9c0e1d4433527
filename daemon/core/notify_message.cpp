#include "daemon/core/notify_message.h"

#include "daemon/core/utf8.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <vector>

namespace procctl {
namespace {

constexpr std::size_t longest_descriptor_name = 255;
constexpr int highest_errno = 4095;                                          // the kernel's MAX_ERRNO
constexpr std::uint64_t no_time = std::numeric_limits<std::uint64_t>::max(); // systemd's USEC_INFINITY

using assignments = std::vector<std::string_view>;

// The lines of the datagram; empty ones mean nothing.
assignments split(std::string_view text)
{
    assignments lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of("\n\r"), text.size());
        if (end != 0) lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

bool has(const assignments& all, std::string_view line) { return std::ranges::find(all, line) != all.end(); }

// The value of the first assignment to `name` ("STATUS="), whether or not it makes sense: a later one never
// takes its place.
std::optional<std::string_view> value_of(const assignments& all, std::string_view name)
{
    const auto found = std::ranges::find_if(all, [&](auto line) { return line.starts_with(name); });
    if (found == all.end()) return {};
    return found->substr(name.size());
}

int take_base(std::string_view& digits)
{
    const auto take = [&](std::string_view lower, std::string_view upper) {
        if (!digits.starts_with(lower) && !digits.starts_with(upper)) return false;
        digits.remove_prefix(lower.size());
        return true;
    };
    if (take("0x", "0X")) return 16;
    if (take("0b", "0B")) return 2;
    if (take("0o", "0O")) return 8;
    return digits.size() > 1 && digits.front() == '0' ? 8 : 10;
}

// A number as systemd's safe_atou64 reads one: space before it, a plus sign and C's prefixes are fine, a
// negative number is none, and one that does not fit is none either.
std::optional<std::uint64_t> parse_number(std::string_view text)
{
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    const bool is_negative = text.starts_with('-');
    if (is_negative || text.starts_with('+')) text.remove_prefix(1);
    const int base = take_base(text);
    std::uint64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (code != std::errc{} || end != text.data() + text.size() || (is_negative && value != 0)) return {};
    return value;
}

std::optional<std::uint64_t> number_of(const assignments& all, std::string_view name)
{
    const auto text = value_of(all, name);
    return text ? parse_number(*text) : std::nullopt;
}

std::optional<int> number_of(const assignments& all, std::string_view name, int least, int most)
{
    const auto value = number_of(all, name);
    if (!value || *value < static_cast<std::uint64_t>(least) || *value > static_cast<std::uint64_t>(most))
        return {};
    return static_cast<int>(*value);
}

// Microseconds; what does not fit in a duration is for ever.
std::optional<duration> duration_of(const assignments& all, std::string_view name)
{
    const auto value = number_of(all, name);
    if (!value) return {};
    return duration(static_cast<std::int64_t>(
        std::min(*value, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))));
}

// A number, or a name: "2" or "ENOENT".
std::optional<int> errno_of(const assignments& all)
{
    const auto text = value_of(all, "ERRNO=");
    if (!text) return {};
    for (int e = 1; e <= highest_errno; ++e)
        if (const char* name = ::strerrorname_np(e); name != nullptr && *text == name) return e;
    // Names that have no number of their own.
    if (*text == "EWOULDBLOCK") return EWOULDBLOCK;
    if (*text == "EDEADLOCK") return EDEADLOCK;
    if (*text == "EOPNOTSUPP") return EOPNOTSUPP;
    if (*text == "ENOTSUP") return ENOTSUP;
    return number_of(all, "ERRNO=", 0, highest_errno);
}

notify_state state_of(const assignments& all)
{
    for (auto line = all.rbegin(); line != all.rend(); ++line) {
        if (*line == "READY=1") return notify_state::ready;
        if (*line == "RELOADING=1") return notify_state::reloading;
        if (*line == "STOPPING=1") return notify_state::stopping;
    }
    return notify_state::unknown;
}

watchdog_request watchdog_of(const assignments& all)
{
    const auto text = value_of(all, "WATCHDOG=");
    if (text == "1") return watchdog_request::ping;
    if (text == "trigger") return watchdog_request::trigger;
    return watchdog_request::none;
}

void read_store(const assignments& all, notify_message& message)
{
    auto name = value_of(all, "FDNAME=");
    if (name && !is_descriptor_name(*name)) name.reset();
    // A removal goes before, and needs a name.
    if (has(all, "FDSTOREREMOVE=1")) {
        message.removes_descriptors = name.has_value();
    } else {
        message.stores_descriptors = has(all, "FDSTORE=1");
    }
    if (message.removes_descriptors || message.stores_descriptors)
        message.descriptor_name = name.value_or("stored");
    message.polls_descriptors = !has(all, "FDPOLL=0");
}

} // namespace

bool is_descriptor_name(std::string_view name)
{
    return name.size() <= longest_descriptor_name &&
           std::ranges::all_of(name, [](char c) { return c >= ' ' && c < '\x7f' && c != ':'; });
}

result<notify_message> parse_notify_message(std::string_view datagram)
{
    if (datagram.size() > longest_notification) return make_error("a notification is too long");
    if (datagram.ends_with('\0')) datagram.remove_suffix(1); // a C programmer's string with its end
    if (datagram.find('\0') != std::string_view::npos) return make_error("a notification has a NUL byte");
    const assignments all = split(datagram);
    if (all.empty()) return make_error("a notification is empty");

    notify_message message;
    if (has(all, "BARRIER=1")) {
        message.is_barrier = true;
        return message;
    }
    message.state = state_of(all);
    message.has_reloading = has(all, "RELOADING=1");
    if (const auto text = value_of(all, "STATUS=");
        text && find_invalid_utf8(*text) == std::string_view::npos)
        message.status = *text;
    message.errno_value = errno_of(all);
    message.exit_status = number_of(all, "EXIT_STATUS=", 0, 255);
    message.main_pid = number_of(all, "MAINPID=", 1, std::numeric_limits<int>::max());
    message.watchdog = watchdog_of(all);
    message.watchdog_usec = duration_of(all, "WATCHDOG_USEC=");
    // Neither no time nor all time extends a limit.
    if (const auto usec = number_of(all, "EXTEND_TIMEOUT_USEC="); usec && *usec != 0 && *usec != no_time)
        message.extend_timeout_usec = duration_of(all, "EXTEND_TIMEOUT_USEC=");
    if (const auto since_boot = duration_of(all, "MONOTONIC_USEC="))
        message.monotonic_usec = time_point(*since_boot);
    read_store(all, message);
    return message;
}

} // namespace procctl
