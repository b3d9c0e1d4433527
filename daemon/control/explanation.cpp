#include "daemon/control/explanation.h"

#include "common/signal_name.h"

#include <algorithm>
#include <system_error>

namespace procctl {
namespace {

// For a countdown: "200ms", "3.2s", "1min 30s".
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

std::string command_to(std::string_view verb, const instance& who)
{
    return '`' + std::string("procctl ").append(verb) + ' ' + who.name + '`';
}

std::string was(const process_end& end)
{
    const bool by_signal = end.code == exit_code_kind::killed || end.code == exit_code_kind::dumped;
    return (by_signal ? "was " : "") + describe(end);
}

// The configuration key of a limit, with its value.
std::string limit_text(const program_config& config, time_limit limit)
{
    switch (limit) {
    case time_limit::none: return "a time limit";
    case time_limit::start: return "timeout_start_sec (" + format_duration(config.timeout_start) + ')';
    case time_limit::stop: return "timeout_stop_sec (" + format_duration(config.timeout_stop) + ')';
    case time_limit::runtime: return "runtime_max_sec (" + format_duration(config.runtime_max) + ')';
    }
    return {};
}

std::string timeout_ending(const program_config& config, const instance_status& s)
{
    const std::string limit = limit_text(config, s.expired);
    const bool has_ended = s.exec_main.code != exit_code_kind::never_ran;
    const std::string and_ended = has_ended ? " and " + was(s.exec_main) : "";
    switch (s.expired) {
    case time_limit::none: return "ran into " + limit + and_ended;
    case time_limit::start: {
        const bool has_begun = s.exec_main_start != wall_time{};
        const bool is_command = config.type == service_type::oneshot && has_begun;
        return (is_command ? "did not finish within " : "did not start within ") + limit + and_ended;
    }
    case time_limit::runtime: return "ran longer than " + limit + " allows" + and_ended;
    case time_limit::stop: break;
    }
    if (!has_ended) return "did not end within " + limit;
    if (s.exec_main == process_end{exit_code_kind::killed, config.final_kill_signal})
        return was(s.exec_main) + " after " + limit + " ran out";
    return was(s.exec_main) + ", but not all of its processes ended within " + limit;
}

// "exited with status 203 (EXEC): cannot execute /opt/x: No such file or directory"
std::string spawn_ending(const spawn_failure& failure, std::string_view note)
{
    const std::string_view name = exit_code_name(failure.exit_status);
    std::string text = "exited with status " + std::to_string(failure.exit_status);
    if (!name.empty()) text += " (" + std::string(name) + ')';
    return text + ": " +
           (note.empty() ? std::generic_category().message(failure.errno_value) : std::string(note));
}

// How the last run ended. Takes the note when the note is about that.
std::string ending(const program_config& config, const instance_status& s, std::string_view& note)
{
    if (s.exec_main_failure.exit_status != 0)
        return spawn_ending(s.exec_main_failure, std::exchange(note, {}));
    if (s.result == service_result::resources) {
        const std::string_view reason = std::exchange(note, {});
        return "no process could be made for it" + (reason.empty() ? "" : ": " + std::string(reason));
    }
    if (s.result == service_result::timeout) return timeout_ending(config, s);
    if (s.exec_main.code == exit_code_kind::never_ran) return {};
    return was(s.exec_main);
}

// A result of success says that an ending was clean, or that it no longer counts as a failure.
std::string clean_ending(const program_config& config, const instance_status& s, std::string ended)
{
    const bool is_command = config.type == service_type::oneshot;
    const auto signals = is_command ? clean_signals::command : clean_signals::daemon;
    const bool is_clean =
        result_of(s.exec_main, signals, config.success_exit_status) == service_result::success;
    if (s.exec_main == process_end{exit_code_kind::exited, 0})
        return is_command                           ? "finished: " + ended
               : config.restart == restart_mode::no ? ended
                                                    : ended + ", which is a clean end";
    if (is_clean) return ended + ", which counts as a clean end";
    const std::size_t index = std::min<std::size_t>(s.command_index, config.exec_start.size() - 1);
    if (!config.exec_start.empty() && config.exec_start[index].ignore_failure)
        return ended + ", which the '-' before its command ignores";
    return ended + "; the failure was reset";
}

std::string why_not_again(const program_config& config, const instance_status& s)
{
    const std::string setting = "`restart: " + std::string(to_text(config.restart)) + '`';
    switch (s.last_decision) {
    case restart_reason::stop_requested:
    case restart_reason::survivors: return {};
    case restart_reason::prevented_by_status:
        return "; restart_prevent_exit_status names this end, so it stays down";
    case restart_reason::forced_by_status:
    case restart_reason::policy_restarts: return {};
    case restart_reason::policy_stays: break;
    }
    if (config.type == service_type::oneshot && s.result == service_result::success) return {};
    return "; with " + setting + " it stays down";
}

// What has outlived the last signal was given up. Whether it has ended since is not known.
std::string explain_survivors(const instance& who, const std::string& ended)
{
    const program_config& config = who.program->config;
    const std::string why = config.send_sigkill
                                ? "outlived even " + signal_name(config.final_kill_signal)
                                : std::string("ignored the signals, and `send_sigkill: no` spares them");
    return (who.status.stop_requested ? "stopped on request, but " : ended + "; ") + "its processes " + why +
           ", so they were left running and it is not started again by itself. " + command_to("start", who) +
           " puts a second copy beside what still runs";
}

std::string explain_down(const instance& who, std::string_view note)
{
    const program_config& config = who.program->config;
    const instance_status& s = who.status;
    const bool has_run =
        s.exec_main.code != exit_code_kind::never_ran || s.exec_main_failure.exit_status != 0;
    std::string text = ending(config, s, note);
    std::string go_on = command_to("start", who) + (has_run ? " starts it again" : " starts it");
    if (s.result == service_result::success && has_run && !s.stop_requested)
        text = clean_ending(config, s, std::move(text));

    if (s.start_limit_refused) {
        text += (text.empty() ? "" : "; ") + std::string("start limit hit: started ") +
                std::to_string(config.start_limit_burst) + " times in " +
                format_duration(config.start_limit_interval) + "; it stays down";
        go_on = command_to("reset-failed", who) + " and " + command_to("start", who) + " start it again";
    } else if (s.last_decision == restart_reason::survivors && s.state == sub_state::failed) {
        return explain_survivors(who, text) + (note.empty() ? "" : "; " + std::string(note));
    } else if (s.stop_requested) {
        if (s.state == sub_state::failed)
            text = "stopped on request, but it " + text;
        else
            text = "stopped on request" + (text.empty() ? "" : " (" + text + ')');
    } else if (text.empty()) {
        text = config.autostart ? "not started yet" : "not started: autostart is off";
    } else {
        text += why_not_again(config, s);
    }
    if (!note.empty()) text += "; " + std::string(note);
    if (config.type == service_type::oneshot && s.result == service_result::success && has_run) return text;
    return text + ". " + go_on;
}

std::string explain_stop(const instance& who, const instant& now)
{
    const program_config& config = who.program->config;
    const instance_status& s = who.status;
    const bool is_restart = s.pending != pending_job::none;
    const int signal =
        is_restart ? config.restart_kill_signal.value_or(config.kill_signal) : config.kill_signal;
    std::string text = is_restart         ? "restarting"
                       : s.stop_requested ? "stopping on request"
                       : s.expired != time_limit::none
                           ? "stopping because " + limit_text(config, s.expired) + " ran out"
                           : "cleaning up after its main process " + was(s.exec_main);
    text += ": " + signal_name(signal) + " was sent";
    if (s.main_pid == 0) text += " to the processes that are left";
    if (s.deadline == never) return text;
    const std::string left = short_time(s.deadline - now.monotonic);
    return text + (config.send_sigkill ? "; " + signal_name(config.final_kill_signal) + " follows in " +
                                             left + " unless it ends before"
                                       : "; it is given up in " + left + " unless it ends before");
}

std::string explain_kill(const instance& who)
{
    const program_config& config = who.program->config;
    return "stopping: it did not end within timeout_stop_sec (" + format_duration(config.timeout_stop) +
           "), so " + signal_name(config.final_kill_signal) + " was sent";
}

std::string explain_start(const instance& who)
{
    const program_config& config = who.program->config;
    if (config.type != service_type::oneshot) return "starting";
    const std::string which = config.exec_start.size() > 1
                                  ? "command " + std::to_string(who.status.command_index + 1) + " of " +
                                        std::to_string(config.exec_start.size())
                                  : std::string("its command");
    return "running " + which + "; it counts as started once that has finished";
}

std::string explain_running(const instance& who)
{
    const unsigned restarts = who.status.n_restarts;
    if (restarts == 0) return "running";
    return "running; started again " +
           (restarts == 1 ? std::string("once") : std::to_string(restarts) + " times") +
           " by its restart policy";
}

std::string explain_auto_restart(const instance& who, std::string_view note, const instant& now)
{
    const instance_status& s = who.status;
    std::string text = ending(who.program->config, s, note);
    if (s.last_decision == restart_reason::forced_by_status)
        text += ", which restart_force_exit_status names";
    if (!note.empty()) text += "; " + std::string(note);
    if (s.deadline == never)
        return text + "; restart_sec is infinity, so it waits for " + command_to("start", who);
    return text + "; restarts in " + short_time(s.deadline - now.monotonic);
}

std::string explain_state(const instance& who, std::string_view note, const instant& now)
{
    switch (who.status.state) {
    case sub_state::dead:
    case sub_state::failed: return explain_down(who, note);
    case sub_state::start: return explain_start(who);
    case sub_state::running: return explain_running(who);
    case sub_state::exited: return "finished well, and counts as active because of remain_after_exit";
    case sub_state::stop_sigterm:
    case sub_state::final_sigterm: return explain_stop(who, now);
    case sub_state::stop_sigkill:
    case sub_state::final_sigkill: return explain_kill(who);
    case sub_state::auto_restart: return explain_auto_restart(who, note, now);
    }
    return {};
}

} // namespace

std::string explain(const instance& who, std::string_view note, const instant& now)
{
    std::string text = explain_state(who, note, now);
    if (who.removed)
        text += ". It is gone from the configuration and will be forgotten once it is down";
    else if (who.next_program)
        text += ". Its configuration has changed; the new one counts from its next start";
    return text;
}

} // namespace procctl
