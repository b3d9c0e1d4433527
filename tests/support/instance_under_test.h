// One instance on the machine alone: its clock, the answers to its orders, and what it ordered last.
//
// The test says what happens in the world; serials and process ids are filled in.
#pragma once

#include "daemon/core/instance_machine.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <signal.h>

namespace procctl::test {

inline constexpr process_end exit_0{exit_code_kind::exited, 0};
inline constexpr process_end exit_1{exit_code_kind::exited, 1};
inline constexpr process_end exit_255{exit_code_kind::exited, 255};
inline constexpr process_end by_sigterm{exit_code_kind::killed, SIGTERM};
inline constexpr process_end by_sigkill{exit_code_kind::killed, SIGKILL};
inline constexpr process_end by_sigabrt{exit_code_kind::killed, SIGABRT};

using lines = std::vector<std::string>;

// "/bin/a" or "-/bin/a", as a list of one command each.
inline std::vector<command> commands(const std::vector<std::string>& texts)
{
    std::vector<command> all;
    for (const std::string& text : texts) {
        const bool ignores = text.starts_with('-');
        all.push_back({{ignores ? text.substr(1) : text}, ignores});
    }
    return all;
}

struct instance_under_test {
    program_config program;
    instance_status status;
    instant now{time_point{} + std::chrono::hours(1), wall_time{} + std::chrono::hours(24)};
    std::vector<action> actions; // of the last step
    lines orders;                // the same in words
    lines states;                // every one announced so far
    std::uint64_t runs = 0;
    int last_pid = 99;

    explicit instance_under_test(service_type type = service_type::simple)
    {
        program.name = "worker";
        program.type = type;
        program.exec_start = commands({"/bin/worker"});
        program.restart = restart_mode::no;
    }

    void happens(const event& e)
    {
        const instance_status before = status;
        step_result r = step(program, before, e, now, {1, ++runs});
        status = std::move(r.next);
        actions = std::move(r.actions);
        orders.clear();
        for (const action& a : actions) {
            orders.push_back(describe(a));
            if (const auto* announced = std::get_if<announce_state>(&a))
                states.emplace_back(to_text(announced->to));
        }
    }

    // The process that was ordered last exists.
    void begins(spawn_failure failure = {}) { happens(process_started{ordered(), ++last_pid, failure}); }
    void cannot_begin() { happens(process_not_started{ordered()}); }
    void main_ends(process_end end, bool has_others = false)
    {
        happens(process_exited{status.main_serial, end, has_others || status.control_pid != 0});
    }
    void control_ends(process_end end, bool has_others = false)
    {
        happens(process_exited{status.control_serial, end, has_others || status.main_pid != 0});
    }
    // A control process runs and ends.
    void runs_command(process_end end, bool has_others = false)
    {
        begins();
        control_ends(end, has_others);
    }
    void is_started()
    {
        happens(start_requested{});
        begins();
    }

    // The main process says so.
    void says(const notify_message& message) { tells(status.main_pid, message, true); }
    void tells(int pid, const notify_message& message, bool is_member, bool is_privileged = false,
               std::optional<found_process> new_main = std::nullopt)
    {
        happens(notified{pid, is_privileged, is_member, message, std::move(new_main), nullptr});
    }
    void is_ready() { says({.state = notify_state::ready}); }

    void goes_on(duration d)
    {
        now.monotonic += d;
        now.wall += d;
    }
    void wait(duration d)
    {
        goes_on(d);
        happens(time_passed{});
    }
    // The next deadline, however far it is.
    void times_out()
    {
        const time_point due = next_deadline(status);
        if (due != never && due > now.monotonic) goes_on(due - now.monotonic);
        happens(time_passed{});
    }

    // The serial of the process that was ordered and has no answer; 0: none.
    [[nodiscard]] std::uint64_t ordered() const
    {
        if (status.control_serial != 0 && status.control_pid == 0) return status.control_serial;
        return status.main_pid == 0 ? status.main_serial : 0;
    }
    [[nodiscard]] bool has_ordered(const std::string& what) const
    {
        return std::ranges::find(orders, what) != orders.end();
    }
    [[nodiscard]] sub_state state() const { return status.state; }
    [[nodiscard]] duration left() const { return next_deadline(status) - now.monotonic; }
};

} // namespace procctl::test
