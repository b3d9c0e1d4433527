// What can happen to an instance, as words: each fills in the serials and process ids of the situation, or
// says that it cannot happen there.
#pragma once

#include "tests/support/instance_under_test.h"

#include <memory>
#include <optional>
#include <string>

namespace procctl::test {

inline const instant t0{time_point{} + std::chrono::hours(1), wall_time{} + std::chrono::hours(24)};

// Something that can happen in a situation; absent where it cannot.
using happening = std::optional<event> (*)(const instance_status&);

inline std::uint64_t ordered_serial(const instance_status& s)
{
    if (s.control_serial != 0 && s.control_pid == 0) return s.control_serial;
    return s.main_pid == 0 ? s.main_serial : 0;
}
inline std::optional<event> begins(const instance_status& s, spawn_failure failure)
{
    const std::uint64_t serial = ordered_serial(s);
    if (serial == 0) return std::nullopt;
    return process_started{serial, 100 + static_cast<int>(serial), failure};
}
// Whether others are left is told with the end; the other known process is one of them.
inline std::optional<event> main_ends(const instance_status& s, process_end end, bool has_others)
{
    if (s.main_pid == 0) return std::nullopt;
    return process_exited{s.main_serial, end, has_others || s.control_pid != 0};
}
inline std::optional<event> control_ends(const instance_status& s, process_end end, bool has_others)
{
    if (s.control_pid == 0) return std::nullopt;
    return process_exited{s.control_serial, end, has_others || s.main_pid != 0};
}
inline std::optional<event> says(const instance_status& s, const notify_message& message)
{
    if (s.main_pid == 0 && s.control_pid == 0) return std::nullopt;
    found_process child{999, true, true, nullptr};
    return notified{s.main_pid != 0 ? s.main_pid : s.control_pid,
                    false,
                    true,
                    message,
                    message.main_pid ? std::optional(child) : std::nullopt,
                    std::make_shared<int>(0)};
}
inline const found_process daemonized{77, true, true, nullptr};

// --- Words for the ways below
inline std::optional<event> start(const instance_status&) { return start_requested{}; }
inline std::optional<event> stop(const instance_status&) { return stop_requested{}; }
inline std::optional<event> restart(const instance_status&) { return restart_requested{}; }
inline std::optional<event> reload(const instance_status&) { return reload_requested{}; }
inline std::optional<event> begin(const instance_status& s) { return begins(s, {}); }
inline std::optional<event> begin_badly(const instance_status& s) { return begins(s, {203, 2}); }
inline std::optional<event> cannot_begin(const instance_status& s)
{
    if (ordered_serial(s) == 0) return std::nullopt;
    return process_not_started{ordered_serial(s)};
}
inline std::optional<event> main_0(const instance_status& s) { return main_ends(s, exit_0, false); }
inline std::optional<event> main_1(const instance_status& s) { return main_ends(s, exit_1, false); }
inline std::optional<event> main_0_others(const instance_status& s) { return main_ends(s, exit_0, true); }
inline std::optional<event> main_1_others(const instance_status& s) { return main_ends(s, exit_1, true); }
inline std::optional<event> control_0(const instance_status& s) { return control_ends(s, exit_0, false); }
inline std::optional<event> control_1(const instance_status& s) { return control_ends(s, exit_1, false); }
inline std::optional<event> control_0_others(const instance_status& s)
{
    return control_ends(s, exit_0, true);
}
inline std::optional<event> gone(const instance_status& s)
{
    if (s.main_pid != 0 || s.control_pid != 0 || !s.has_others) return std::nullopt;
    return processes_gone{};
}
inline std::optional<event> met(const instance_status& s)
{
    if (s.check_serial == 0) return std::nullopt;
    return conditions_checked{s.check_serial, true, true};
}
inline std::optional<event> not_met(const instance_status& s)
{
    if (s.check_serial == 0) return std::nullopt;
    return conditions_checked{s.check_serial, false, true};
}
inline std::optional<event> assert_not_met(const instance_status& s)
{
    if (s.check_serial == 0) return std::nullopt;
    return conditions_checked{s.check_serial, true, false};
}
inline std::optional<event> found(const instance_status& s)
{
    if (s.sought_serial == 0) return std::nullopt;
    return main_found{s.sought_serial, daemonized};
}
inline std::optional<event> not_found(const instance_status& s)
{
    if (s.sought_serial == 0) return std::nullopt;
    return main_not_found{s.sought_serial};
}
inline std::optional<event> moved(const instance_status& s)
{
    if (s.main_pid == 0) return std::nullopt;
    return main_moved{daemonized};
}
inline std::optional<event> ready(const instance_status& s)
{
    return says(s, {.state = notify_state::ready});
}
inline std::optional<event> reloading(const instance_status& s)
{
    return says(s, {.state = notify_state::reloading, .has_reloading = true, .monotonic_usec = t0.monotonic});
}
inline std::optional<event> reloaded(const instance_status& s) // both in one message
{
    return says(s, {.state = notify_state::ready, .has_reloading = true, .monotonic_usec = t0.monotonic});
}
inline std::optional<event> stopping(const instance_status& s)
{
    return says(s, {.state = notify_state::stopping});
}
inline std::optional<event> ping(const instance_status& s)
{
    return says(s, {.watchdog = watchdog_request::ping});
}
inline std::optional<event> trigger(const instance_status& s)
{
    return says(s, {.watchdog = watchdog_request::trigger});
}
inline std::optional<event> other_main(const instance_status& s) { return says(s, {.main_pid = 999}); }
inline std::optional<event> child_named(const instance_status& s) // by the parent of a forking program
{
    return s.control_pid == 0 ? std::nullopt : other_main(s);
}
inline std::optional<event> extend(const instance_status& s)
{
    return says(s, {.extend_timeout_usec = std::chrono::minutes(10)});
}
inline std::optional<event> store(const instance_status& s)
{
    return says(s, {.stores_descriptors = true, .descriptor_name = "stored"});
}
inline std::optional<event> last_words(const instance_status& s)
{
    if (s.last_run.invocation.serial == 0) return std::nullopt;
    return output_ended{s.last_run.invocation, "cannot bind\n"};
}
inline std::optional<event> time_runs_out(const instance_status& s)
{
    if (next_deadline(s) == never) return std::nullopt;
    return time_passed{};
}

inline constexpr happening all_happenings[] = {
    start,
    stop,
    restart,
    reload,
    [](const instance_status&) -> std::optional<event> { return reset_failed_requested{}; },
    [](const instance_status&) -> std::optional<event> { return hurry_requested{}; },
    begin,
    begin_badly,
    cannot_begin,
    main_0,
    main_1,
    main_1_others,
    control_0,
    control_1,
    control_0_others,
    gone,
    met,
    not_met,
    found,
    assert_not_met,
    not_found,
    moved,
    ready,
    reloading,
    reloaded,
    stopping,
    ping,
    trigger,
    other_main,
    extend,
    store,
    last_words,
    time_runs_out};

} // namespace procctl::test
