#include "daemon/control/words.h"

#include <algorithm>
#include <system_error>

namespace procctl {
namespace {

// "; timeout_start_failure_mode: abort"
std::string mode_text(std::string_view key, timeout_failure_mode mode)
{
    if (mode == timeout_failure_mode::terminate) return {};
    return "; " + std::string(key) + ": " + std::string(to_text(mode));
}

std::string paths(const std::vector<path_condition>& conditions)
{
    std::string text;
    for (const path_condition& c : conditions)
        text += std::string(text.empty() ? "" : ", ") + (c.is_trigger ? "|" : "") +
                (c.is_negated ? "!" : "") + c.path;
    return '(' + text + ')';
}

} // namespace

std::string short_time(duration left)
{
    using namespace std::chrono;
    left = std::max(left, duration::zero());
    if (left < 1s) return format_duration(round<milliseconds>(left));
    if (left < 10s) {
        const auto tenths = round<std::chrono::duration<std::int64_t, std::deci>>(left).count();
        return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + 's';
    }
    return format_duration(round<seconds>(left));
}

std::string time_left(time_point deadline, const instant& now)
{
    return short_time(deadline - now.monotonic);
}

std::string was(const process_end& end)
{
    const bool by_signal = end.code == exit_code_kind::killed || end.code == exit_code_kind::dumped;
    return (by_signal ? "was " : "") + describe(end);
}

std::string place_of(const program_config& config, exec_command which, unsigned index)
{
    const std::size_t count = commands_of(config, which).size();
    if (count < 2) return {};
    return "command " + std::to_string(index + 1) + " of " + std::to_string(count);
}

std::string name_of(const program_config& config, exec_command which, unsigned index)
{
    const std::string place = place_of(config, which, index);
    return std::string(to_text(which)) + (place.empty() ? "" : " (" + place + ')');
}

std::string describe(const program_config& config, const failed_command& failed, std::string_view note)
{
    const std::string name(to_text(failed.command));
    const std::string place = place_of(config, failed.command, failed.index);
    const std::string in_brackets = place.empty() ? "" : " (" + place + ')';
    if (failed.failure.exit_status != 0) {
        const std::string_view step = exit_code_name(failed.failure.exit_status);
        std::string text = name + " exited with status " + std::to_string(failed.failure.exit_status);
        if (!step.empty()) text += " (" + std::string(step) + (place.empty() ? "" : "; " + place) + ')';
        return text + ": " +
               (note.empty() ? std::generic_category().message(failed.failure.errno_value)
                             : std::string(note));
    }
    if (failed.end.code == exit_code_kind::never_ran)
        return name + " could not be started" + in_brackets + (note.empty() ? "" : ": " + std::string(note));
    return name + ' ' + was(failed.end) + in_brackets;
}

std::string limit_text(const program_config& config, const instance_status& s, time_limit limit)
{
    switch (limit) {
    case time_limit::none: return "a time limit";
    case time_limit::start:
        return "timeout_start_sec (" + format_duration(config.timeout_start) +
               mode_text("timeout_start_failure_mode", config.timeout_start_failure) + ')';
    case time_limit::stop:
        return "timeout_stop_sec (" + format_duration(config.timeout_stop) +
               mode_text("timeout_stop_failure_mode", config.timeout_stop_failure) + ')';
    case time_limit::abort:
        if (!config.timeout_abort) return "timeout_stop_sec (" + format_duration(config.timeout_stop) + ')';
        return "timeout_abort_sec (" + format_duration(*config.timeout_abort) + ')';
    case time_limit::runtime:
        return "runtime_max_sec (" + format_duration(config.runtime_max) +
               (config.runtime_randomized_extra == duration::zero()
                    ? ""
                    : " and up to " + format_duration(config.runtime_randomized_extra) +
                          " of runtime_randomized_extra_sec") +
               ')';
    case time_limit::watchdog:
        if (s.watchdog_override)
            return "its own WATCHDOG_USEC (" + format_duration(*s.watchdog_override) + ')';
        return "watchdog_sec (" + format_duration(config.watchdog) + ')';
    }
    return {};
}

std::string path_asserts(const program_config& config)
{
    return "assert_path_exists " + paths(config.assert_path_exists) + " does not hold";
}

std::string path_conditions(const program_config& config)
{
    if (config.condition_path_exists.empty()) return path_asserts(config);
    const std::string conditions = "condition_path_exists " + paths(config.condition_path_exists);
    if (config.assert_path_exists.empty()) return conditions + " does not hold";
    return conditions + " or " + path_asserts(config);
}

std::string ignored_notifications(const program_config& config, const instance_status& s)
{
    if (s.ignored_notifications == 0) return {};
    const bool is_one = s.ignored_notifications == 1;
    std::string text = std::to_string(s.ignored_notifications) +
                       (is_one ? " notification was ignored: it " : " notifications were ignored: they ");
    switch (effective_notify_access(config)) {
    case notify_access::none: return text + "came though nobody may notify; see notify_access";
    case notify_access::main:
        return text + "did not come from the main process, or made no sense; see notify_access";
    case notify_access::exec:
        return text + "came neither from the main process nor from a command, or made no sense; see "
                      "notify_access";
    case notify_access::all: break;
    }
    return text + "made no sense, or did not come from its processes";
}

} // namespace procctl
