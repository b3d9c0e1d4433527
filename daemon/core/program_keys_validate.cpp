// What is wrong with the keys of a program together, though each is right alone.
#include "common/instance_name.h"
#include "daemon/core/program_keys_report.h"
#include "daemon/core/program_keys_values.h"

#include <algorithm>

namespace procctl {
namespace {

using keys::reporter;

std::string type_of(const program_config& program) { return std::string(to_text(program.type)); }

void check_commands(const program_config& program, reporter& report)
{
    const bool is_oneshot = program.type == service_type::oneshot;
    // A value that was reported as wrong counts as the command or action that was meant.
    const bool has_action = program.success_action != emergency_action::none ||
                            (report.is_given("success_action") && !report.says("success_action", "none"));
    if (program.exec_start.empty() && !report.is_given("exec_start")) {
        const std::string missing = "the program '" + program.name + "' has no 'exec_start'";
        const bool has_stop = !program.exec_stop.empty() || report.is_given("exec_stop");
        if (!has_stop && !has_action)
            report.refuse("exec_start", missing);
        else if (!is_oneshot)
            report.refuse("exec_start", missing + ", which only type oneshot may do without, this is type " +
                                            type_of(program));
        else if (!program.remain_after_exit && !has_action)
            report.refuse("exec_start", missing + ": without one it needs 'remain_after_exit: yes', or a "
                                                  "'success_action'");
    }
    if (program.exec_start.size() > 1 && !is_oneshot)
        report.refuse("exec_start",
                      "exec_start: several commands are allowed for type oneshot only, this is type " +
                          type_of(program));
}

void check_oneshot(const program_config& program, reporter& report)
{
    if (program.type != service_type::oneshot) return;
    if (program.restart == restart_mode::always || program.restart == restart_mode::on_success)
        report.refuse("restart", "restart: '" + std::string(to_text(program.restart)) +
                                     "' is refused for type oneshot, as in systemd; allowed are "
                                     "no, on-failure, on-abnormal, on-abort, on-watchdog");
    if (program.exit == exit_type::cgroup)
        report.refuse("exit_type", "exit_type: 'cgroup' is refused for type oneshot, as in systemd");
    if (program.runtime_max != infinity)
        report.warn("runtime_max_sec",
                    "runtime_max_sec has no effect on type oneshot: use timeout_start_sec");
    if (program.watchdog != duration{})
        report.warn("watchdog_sec",
                    "watchdog_sec has no effect on type oneshot: when the watchdog would begin, "
                    "its commands have ended");
}

// Keys that mean something only together with another one.
void check_partners(const program_config& program, reporter& report)
{
    if (program.type != service_type::forking && !program.pid_file.empty())
        report.warn("pid_file",
                    "pid_file is for type forking: nothing waits for the file with type " + type_of(program));
    if (program.type != service_type::notify_reload &&
        program.reload_signal != keys::defaults().reload_signal)
        report.warn("reload_signal", "reload_signal has an effect on type notify-reload only, this is type " +
                                         type_of(program));
    if (program.runtime_randomized_extra != duration{} && program.runtime_max == infinity)
        report.warn("runtime_randomized_extra_sec",
                    "runtime_randomized_extra_sec has no effect without runtime_max_sec");
    const bool grows = program.restart_steps != 0 && program.restart_max_delay != infinity;
    if (program.restart_steps != 0 && !grows)
        report.warn("restart_steps", "restart_steps has no effect without restart_max_delay_sec");
    if (program.restart_max_delay != infinity && !grows)
        report.warn("restart_max_delay_sec", "restart_max_delay_sec has no effect without restart_steps");
    if (program.restart_reset != infinity && !grows)
        report.warn("restart_reset_sec",
                    "restart_reset_sec has no effect without restart_steps and restart_max_delay_sec");
    if (program.success_action_exit_status && program.success_action == emergency_action::none)
        report.warn("success_action_exit_status",
                    "success_action_exit_status has no effect without 'success_action: exit'");
    if (program.failure_action_exit_status && program.failure_action == emergency_action::none &&
        program.start_limit_action == emergency_action::none)
        report.warn("failure_action_exit_status",
                    "failure_action_exit_status has no effect without 'failure_action: exit' or "
                    "'start_limit_action: exit'");
}

// What belongs to one instance alone.
void check_instances(const program_config& program, reporter& report)
{
    const std::string longest = instance_name_of(program, instance_count(program));
    const bool has_name =
        check_program_name(program.name).has_value(); // else it has been reported, or is to come
    if (auto checked = parse_instance_name(longest); has_name && !checked)
        report.refuse("instances", "instances: " + checked.error().message());
    if (program.type == service_type::forking && keys::is_shared_by_instances(program, program.pid_file))
        report.warn("pid_file",
                    "pid_file: all instances write to the same file; with %i in the path each has its own");
}

} // namespace

void keys::adjust(program_config& program, const config_value& given, const std::string& file,
                  diagnostics& out)
{
    reporter report(given, file, out);
    if (!program.standard_input_data.empty() && given.find("standard_input") == nullptr)
        program.standard_input = {input_kind::data, {}};
    if (!program.log.stderr_path.empty() && given.find("standard_error") == nullptr)
        program.standard_error = {output_kind::log, {}};
    if (program.restart_max_delay < program.restart_sec) {
        report.warn("restart_max_delay_sec",
                    "restart_max_delay_sec is less than restart_sec, which is lowered to it, as in systemd");
        program.restart_sec = program.restart_max_delay;
    }
    const auto drop_itself = [&](std::string_view key, std::vector<std::string>& names) {
        const auto is_itself = [&](const std::string& name) {
            return name == program.name || name.starts_with(program.name + '@');
        };
        const auto found = std::ranges::find_if(names, is_itself);
        if (found == names.end()) return;
        report.warn(key,
                    std::string(key) + ": '" + *found +
                        "' is the program itself and is left out, as in systemd: 'restart' says when it is "
                        "started again");
        std::erase_if(names, is_itself);
    };
    drop_itself("on_failure", program.on_failure);
    drop_itself("on_success", program.on_success);
}

void validate(const program_config& program, const config_value& given, const std::string& file,
              diagnostics& out)
{
    reporter report(given, file, out);
    check_commands(program, report);
    check_oneshot(program, report);
    check_partners(program, report);
    check_instances(program, report);
    keys::check_streams(program, report);
    if (program.kill == kill_mode::none)
        report.warn("kill_mode",
                    "kill_mode: 'none' is unsafe: after a stop the processes run on, and nobody looks "
                    "after them; use mixed, or process");
}

} // namespace procctl
