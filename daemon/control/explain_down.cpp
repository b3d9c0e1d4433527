#include "common/signal_name.h"
#include "daemon/control/ending.h"
#include "daemon/control/explain_states.h"
#include "daemon/control/words.h"

#include <algorithm>

namespace procctl {
namespace {

std::string command_to(std::string_view verb, const instance& who)
{
    return '`' + std::string("procctl ").append(verb) + ' ' + who.name + '`';
}

bool has_run(const instance_status& s)
{
    return s.exec_main.code != exit_code_kind::never_ran || s.exec_main_failure.exit_status != 0 || s.culprit;
}

bool is_command(const program_config& config) { return config.type == service_type::oneshot; }

// A result of success says that an ending was clean, or that it no longer counts as a failure.
std::string clean_ending(const program_config& config, const instance_status& s, std::string ended)
{
    const auto signals = is_command(config) ? clean_signals::command : clean_signals::daemon;
    const bool is_clean =
        result_of(s.exec_main, signals, config.success_exit_status) == service_result::success;
    if (s.exec_main == process_end{exit_code_kind::exited, 0} && is_command(config))
        return "finished: " + ended;
    if (is_clean) return config.restart == restart_mode::no ? ended : ended + ", which is a clean end";
    const std::size_t index = std::min<std::size_t>(s.main_index, config.exec_start.size() - 1);
    if (!config.exec_start.empty() && config.exec_start[index].ignore_failure)
        return ended + ", which the '-' before its command ignores";
    return ended + "; the failure was reset";
}

// What the restart policy makes of the last end: "; with `restart: no` it stays down".
std::string why_not_again(const program_config& config, const instance_status& s)
{
    const std::string setting = "`restart: " + std::string(to_text(config.restart)) + '`';
    switch (s.last_decision) {
    case restart_reason::stop_requested:
    case restart_reason::survivors:
    case restart_reason::forced_by_status:
    case restart_reason::policy_restarts: return {};
    case restart_reason::prevented_by_status:
        return "; restart_prevent_exit_status names this end, so it stays down";
    case restart_reason::policy_stays: break;
    }
    const bool is_well = s.result == service_result::success;
    if (is_well && is_command(config)) return {};
    const std::string only = ", and " + setting + " starts it again only after ";
    switch (config.restart) {
    case restart_mode::no:
    case restart_mode::always: break;
    case restart_mode::on_success:
        return is_well ? "; with " + setting + " it stays down" : only + "a clean end";
    case restart_mode::on_failure:
        if (is_well) return ", so " + setting + " does not start it again";
        break;
    case restart_mode::on_abnormal: return only + "an unclean signal, a timeout or the watchdog";
    case restart_mode::on_abort: return only + "an unclean signal";
    case restart_mode::on_watchdog: return only + "its watchdog";
    }
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

// kill_mode process and none leave processes to themselves.
std::string left_behind(const program_config& config, const instance_status& s)
{
    const bool spares = config.kill == kill_mode::process || config.kill == kill_mode::none;
    if (!spares || !s.has_others) return {};
    return "; processes of it may run on, for `kill_mode: " + std::string(to_text(config.kill)) +
           "` spares them";
}

// A program that goes into the background ends, as it seems, as soon as it is started.
bool may_be_a_daemon(const program_config& config, const instance_status& s)
{
    return (config.type == service_type::simple || config.type == service_type::exec) &&
           s.exec_main == process_end{exit_code_kind::exited, 0} && !s.stop_requested;
}

std::string refused_by_limit(const program_config& config, const instance_status& s)
{
    return "start limit hit: started " + std::to_string(config.start_limit_burst) + " times in " +
           format_duration(config.start_limit_interval) + "; it stays down" +
           (may_be_a_daemon(config, s)
                ? ". A program that goes into the background needs `type: forking`, or an "
                  "option of its own to stay in the foreground"
                : "");
}

// Kept from starting by a path: what the state and the result say is about the run before.
std::string refused_by_path(const instance& who, const std::string& ended)
{
    const std::string why = path_conditions((who.next_program ? *who.next_program : *who.program).config);
    return (ended.empty() ? "not started: " : ended + "; not started since: ") + why + ". " +
           command_to("start", who) + " looks again";
}

std::string with(std::string_view note) { return note.empty() ? "" : "; " + std::string(note); }

// " (the delay has grown to 4s, step 2 of 5 towards restart_max_delay_sec)"
std::string grown_delay(const program_config& config, const instance_status& s)
{
    const duration delay = restart_delay(config, s.delay_step);
    if (delay == config.restart_sec) return {};
    return " (the delay has grown to " + short_time(delay) +
           (delay >= config.restart_max_delay
                ? ", restart_max_delay_sec)"
                : ", step " + std::to_string(s.delay_step) + " of " + std::to_string(config.restart_steps) +
                      " towards restart_max_delay_sec)");
}

// The last end as it counts, with what to know about it.
std::string assessed(const program_config& config, const instance_status& s, const ending& how)
{
    std::string text = how.text;
    if (s.result == service_result::success && has_run(s) && !s.stop_requested)
        text = clean_ending(config, s, std::move(text));
    const std::string advice = advice_on(config, s);
    return advice.empty() ? text : text + " (" + advice + ')';
}

} // namespace

std::string explain_down(const instance& who, std::string_view note)
{
    const program_config& config = who.program->config;
    const instance_status& s = who.status;
    if (s.check_serial != 0) return "about to start: its path conditions are being looked at";
    ending how = ending_of(config, s, note);
    if (how.takes_note) note = {};
    how.text = assessed(config, s, how);
    if (s.condition_failed) return refused_by_path(who, how.text) + with(note);
    if (s.start_limit_refused)
        return (how.text.empty() ? "" : how.text + "; ") + refused_by_limit(config, s) + with(note) +
               last_words(s) + ". " + command_to("reset-failed", who) + " and " + command_to("start", who) +
               " start it again";
    if (s.last_decision == restart_reason::survivors && s.state == sub_state::failed)
        return explain_survivors(who, how.text) + with(note);
    if (s.result == service_result::exec_condition)
        return how.text + with(note) + ". " + command_to("start", who) + " asks again";

    std::string text = how.text;
    if (s.stop_requested && s.state == sub_state::failed)
        text = "stopped on request, but " + how.as_clause();
    else if (s.stop_requested)
        text = "stopped on request" + (text.empty() ? "" : " (" + text + ')');
    else if (text.empty() && s.inactive_exit != wall_time{})
        text = is_command(config) ? "finished" : "stopped";
    else if (text.empty())
        text = config.autostart ? "not started yet" : "not started: autostart is off";
    else
        text += why_not_again(config, s);
    text += left_behind(config, s) + with(note) + last_words(s);
    if (is_command(config) && s.result == service_result::success && has_run(s)) return text;
    return text + ". " + command_to("start", who) + (has_run(s) ? " starts it again" : " starts it");
}

std::string explain_auto_restart(const instance& who, std::string_view note, const instant& now)
{
    const program_config& config = who.program->config;
    const instance_status& s = who.status;
    ending how = ending_of(config, s, note);
    if (how.takes_note) note = {};
    std::string text = how.text;
    if (const std::string advice = advice_on(config, s); !advice.empty()) text += " (" + advice + ')';
    if (s.last_decision == restart_reason::forced_by_status)
        text += ", which restart_force_exit_status names";
    text += with(note);
    if (!text.empty()) text += "; ";
    if (s.deadline == never)
        return text + "restart_sec is infinity, so it waits for " + command_to("start", who) + last_words(s);
    return text + "restarts in " + time_left(s.deadline, now) + grown_delay(config, s) + last_words(s);
}

} // namespace procctl
