#include "daemon/control/status_view.h"

#include "daemon/control/explanation.h"
#include "daemon/core/program_keys.h"

#include <algorithm>
#include <cmath>

namespace procctl {
namespace {

std::uint64_t microseconds(wall_time t)
{
    return static_cast<std::uint64_t>(std::max<std::int64_t>(t.time_since_epoch().count(), 0));
}

// To the millisecond: what is finer is noise to whoever reads it.
std::optional<double> seconds_until(time_point deadline, const instant& now)
{
    if (deadline == never) return {};
    const duration left = std::max(deadline - now.monotonic, duration::zero());
    return std::round(static_cast<double>(left.count()) / 1000) / 1000;
}

// The watchdog's interval; 0 when there is none.
std::uint64_t watchdog_usec(const program_config& config, const instance_status& s)
{
    const duration interval = s.watchdog_override.value_or(config.watchdog);
    return interval == infinity ? 0 : static_cast<std::uint64_t>(interval.count());
}

// A default that depends on the type is documented as "90s (oneshot: infinity)".
std::string_view default_of(const program_key& key, service_type type)
{
    static constexpr std::string_view mark = " (oneshot: ";
    const std::size_t at = key.default_text.find(mark);
    if (at == std::string_view::npos) return key.default_text;
    if (type != service_type::oneshot) return key.default_text.substr(0, at);
    const std::string_view rest = key.default_text.substr(at + mark.size());
    return rest.substr(0, rest.find(')'));
}

std::string text_of(const source_position& where)
{
    return where.line > 0 ? where.file + ':' + std::to_string(where.line) : where.file;
}

// "standard output is thrown away; standard error goes to the journal: …"
std::string notes_of(const output_view& output)
{
    const output_place& out = output.standard_output;
    if (!output.standard_error) return out.note.empty() ? std::string() : "output " + out.note;
    const std::string& of_error = output.standard_error->note;
    std::string text = out.note.empty() ? std::string() : "standard output " + out.note;
    if (!of_error.empty()) text += (text.empty() ? "standard error " : "; standard error ") + of_error;
    return text;
}

void add_output(protocol::program_status& view, const output_view& output)
{
    const output_place& out = output.standard_output;
    view.log_path = out.path;
    view.log_note = notes_of(output);
    view.on_log_error = to_text(output.on_error);
    view.dropped_output = out.dropped;
    const output_place* troubled = &out;
    if (output.standard_error) {
        const output_place& err = *output.standard_error;
        if (err.path != out.path) view.stderr_log_path = err.path;
        view.dropped_output += err.dropped;
        const bool came_first = out.trouble.empty() || err.trouble_since < out.trouble_since;
        if (!err.trouble.empty() && came_first) troubled = &err;
    }
    if (troubled->trouble.empty()) return;
    view.log_error = troubled->trouble;
    view.log_error_timestamp = microseconds(troubled->trouble_since);
    view.explanation += output.on_error == log_error_action::wait
                            ? ". Its output waits in the pipe, for its log cannot be written"
                            : ". Its output is thrown away, for its log cannot be written";
}

} // namespace

protocol::program_status view_of(const instance& who, const outside_view& outside, const instant& now)
{
    const program_config& config = who.program->config;
    const instance_status& s = who.status;
    protocol::program_status view;
    view.name = who.name;
    view.program = config.name;
    view.description = config.description;
    view.type = to_text(config.type);
    view.active_state = to_text(active_state_of(s.state));
    view.sub_state = to_text(s.state);
    view.result = to_text(s.result);
    view.main_pid = s.main_pid;
    view.control_pid = s.control_pid;
    if (s.control_pid != 0) view.control_command = to_text(s.control_command);
    view.control_group = outside.control_group;
    view.status_text = s.status_text;
    view.status_errno = s.status_errno;
    view.reload_result = to_text(s.reload_result);
    view.exit_type = to_text(config.exit);
    view.notify_access = to_text(effective_notify_access(config));
    view.ignored_notifications = s.ignored_notifications;
    view.watchdog_usec = watchdog_usec(config, s);
    view.next_watchdog_in_sec = seconds_until(s.watchdog_deadline, now);
    view.n_file_descriptor_store = outside.stored_descriptors;
    if (s.monitored) {
        view.monitored = s.monitored->unit;
        view.monitored_result = to_text(s.monitored->result);
    }
    view.n_restarts = s.n_restarts;
    view.exec_main_code = static_cast<int>(s.exec_main.code);
    view.exec_main_status = s.exec_main.status;
    view.exec_main_start_timestamp = microseconds(s.exec_main_start);
    view.exec_main_exit_timestamp = microseconds(s.exec_main_exit);
    if (s.last_run.at != wall_time{}) {
        view.last_result = to_text(s.last_run.result);
        view.last_exec_main_code = static_cast<int>(s.last_run.exec_main.code);
        view.last_exec_main_status = s.last_run.exec_main.status;
        view.last_end_timestamp = microseconds(s.last_run.at);
        view.last_output = s.last_run.output; // bytes: they become text when they are written as JSON
    }
    view.state_change_timestamp = microseconds(s.state_change);
    view.active_enter_timestamp = microseconds(s.active_enter);
    view.active_exit_timestamp = microseconds(s.active_exit);
    view.inactive_enter_timestamp = microseconds(s.inactive_enter);
    view.inactive_exit_timestamp = microseconds(s.inactive_exit);
    if (s.invocation.serial != 0) view.invocation_id = s.invocation.text();
    if (s.state == sub_state::auto_restart) view.next_restart_in_sec = seconds_until(s.deadline, now);
    view.start_limit_hit = s.start_limit_refused;
    view.explanation = explain(who, outside.note, now);
    add_output(view, outside.output);
    view.source = text_of(who.program->where);
    return view;
}

protocol::properties all_properties_of(const instance& who, const outside_view& outside, const instant& now)
{
    protocol::properties out = protocol::properties_of(view_of(who, outside, now));
    const std::size_t from_status = out.size();
    for (const program_key& key : program_keys()) {
        const auto is_key = [&](const protocol::property& p) { return p.name == key.name; };
        if (std::ranges::any_of(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(from_status), is_key))
            continue;
        const config_value value = key.format(who.program->config);
        const bool is_default = value.type == config_value::kind::null;
        out.push_back(
            {std::string(key.name),
             is_default ? protocol::json_text(default_of(key, who.program->config.type)) : to_json(value)});
    }
    return out;
}

} // namespace procctl
