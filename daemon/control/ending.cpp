#include "daemon/control/ending.h"

#include "common/signal_name.h"
#include "daemon/control/words.h"

#include <algorithm>
#include <csignal>
#include <system_error>

namespace procctl {
namespace {

bool has_ended(const instance_status& s) { return s.exec_main.code != exit_code_kind::never_ran; }

std::string and_ended(const instance_status& s) { return has_ended(s) ? " and " + was(s.exec_main) : ""; }

// "exited with status 203 (EXEC): cannot execute /opt/x: No such file or directory"
std::string spawn_ending(const spawn_failure& failure, std::string_view note)
{
    const std::string_view name = exit_code_name(failure.exit_status);
    std::string text = "exited with status " + std::to_string(failure.exit_status);
    if (!name.empty()) text += " (" + std::string(name) + ')';
    if (!note.empty()) return text + ": " + std::string(note);
    if (failure.errno_value == 0) return text; // found out before there was a process
    return text + ": " + std::generic_category().message(failure.errno_value);
}

// The command that a run was at when its time was up.
std::string unfinished(const program_config& config, exec_command which, unsigned index,
                       const std::string& limit)
{
    return name_of(config, which, index) + " did not finish within " + limit;
}

// Beside a command that is to blame the main process may have run.
std::string main_ended(const instance_status& s)
{
    return has_ended(s) ? "; the main process " + was(s.exec_main) : "";
}

ending start_timeout(const program_config& config, const instance_status& s)
{
    const std::string limit = limit_text(config, s, time_limit::start);
    const bool is_before =
        s.control_command == exec_command::condition || s.control_command == exec_command::start_pre;
    if (s.control_command == exec_command::start_post || (is_before && s.exec_main_start == wall_time{}))
        return {unfinished(config, s.control_command, s.control_index, limit) + main_ended(s), true, false};
    if (config.type == service_type::forking && !s.is_main_known)
        return {"left no main process behind within " + limit +
                    (config.pid_file.empty() ? "" : ": the PID file " + config.pid_file + " names none"),
                false, false};
    const bool has_begun = s.exec_main_start != wall_time{};
    std::string what = "did not start within ";
    if (has_begun && config.type == service_type::oneshot) what = "did not finish within ";
    if (has_begun && is_notify(config.type)) what = "sent no READY=1 within ";
    return {what + limit + and_ended(s), false, false};
}

ending stop_timeout(const program_config& config, const instance_status& s)
{
    const std::string limit = limit_text(config, s, s.expired);
    if (!has_ended(s)) return {"did not end within " + limit, false, false};
    if (s.exec_main == process_end{exit_code_kind::killed, config.final_kill_signal})
        return {was(s.exec_main) + " after " + limit + " ran out", false, false};
    return {was(s.exec_main) + ", but not all of its processes ended within " + limit, false, false};
}

ending timeout_ending(const program_config& config, const instance_status& s)
{
    const std::string limit = limit_text(config, s, s.expired);
    if (s.culprit)
        return {unfinished(config, s.culprit->command, s.culprit->index, limit) + main_ended(s), true, false};
    switch (s.expired) {
    case time_limit::none:
    case time_limit::watchdog: return {"ran into " + limit + and_ended(s), false, false};
    case time_limit::start: return start_timeout(config, s);
    case time_limit::runtime: return {"ran longer than " + limit + " allows" + and_ended(s), false, false};
    case time_limit::stop:
    case time_limit::abort: break;
    }
    return stop_timeout(config, s);
}

ending watchdog_ending(const program_config& config, const instance_status& s)
{
    const bool has_limit = s.watchdog_override.value_or(config.watchdog) != duration::zero();
    if (s.expired == time_limit::watchdog && has_limit)
        return {"was silent for longer than " + limit_text(config, s, time_limit::watchdog) + and_ended(s),
                false, false};
    return {"asked to be killed by WATCHDOG=trigger" + and_ended(s), false, false};
}

ending protocol_ending(const program_config& config, const instance_status& s)
{
    if (config.type != service_type::forking)
        return {was(s.exec_main) + " before it sent READY=1", false, false};
    if (config.pid_file.empty()) return {"left no main process behind", false, false};
    return {"left no main process behind: the PID file " + config.pid_file +
                " names no living process of its own",
            false, false};
}

// A sequence of a terminal that text begins with, which most often is a colour: ESC [ … m (ECMA-48). 0: none.
std::size_t control_sequence_length(std::string_view text)
{
    if (!text.starts_with("\x1b[")) return 0;
    std::size_t end = 2;
    while (end < text.size() && text[end] >= 0x20 && text[end] < 0x40)
        ++end;
    return std::min(end + 1, text.size());
}

// A line of a program's output, without colours, without what could steer a terminal, without the blanks
// around it, and no longer than an explanation should quote.
std::string plain_line(std::string_view line)
{
    static constexpr std::size_t most = 200; // characters
    std::string out;
    std::size_t characters = 0;
    while (!line.empty()) {
        const auto first = static_cast<unsigned char>(line.front());
        if (const std::size_t sequence = control_sequence_length(line); sequence != 0) {
            line.remove_prefix(sequence);
            continue;
        }
        const bool is_blank = first == ' ' || first == '\t' || first == '\r';
        const bool begins_character = (first & 0xc0U) != 0x80U;
        if (!out.empty() || !is_blank) {
            if ((begins_character && ++characters > most) || out.size() >= 4 * most) break;
            // U+0080 to U+009F, two bytes each, are control characters as well.
            const bool is_two =
                first == 0xc2 && line.size() > 1 && static_cast<unsigned char>(line[1]) < 0xa0;
            const bool is_control = first < 0x20 || first == 0x7f || is_two;
            out += is_blank ? ' ' : is_control ? '?' : line.front();
            if (is_two) line.remove_prefix(1);
        }
        line.remove_prefix(1);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return characters > most ? out + "…" : out;
}

// 128 + 15 is how a shell or a Java virtual machine says that SIGTERM ended it.
bool is_clean_signal_as_status(const process_end& end)
{
    if (end.code != exit_code_kind::exited) return false;
    const int signal = end.status - 128;
    return signal == SIGHUP || signal == SIGINT || signal == SIGTERM || signal == SIGPIPE;
}

} // namespace

ending ending_of(const program_config& config, const instance_status& s, std::string_view note)
{
    switch (s.result) {
    case service_result::timeout: return timeout_ending(config, s);
    case service_result::watchdog: return watchdog_ending(config, s);
    case service_result::exec_condition: {
        const std::string how = s.culprit ? describe(config, *s.culprit, note) : "it exited";
        return {"skipped, because exec_condition said no: " + how, true,
                s.culprit && s.culprit->failure.exit_status != 0};
    }
    case service_result::protocol:
        if (!s.culprit) return protocol_ending(config, s);
        break;
    case service_result::success:
    case service_result::resources:
    case service_result::exit_code:
    case service_result::signal:
    case service_result::core_dump:
    case service_result::start_limit_hit: break;
    }
    if (s.culprit) {
        const bool is_unmade = s.culprit->end.code == exit_code_kind::never_ran;
        return {describe(config, *s.culprit, note), true, is_unmade || s.culprit->failure.exit_status != 0};
    }
    if (s.exec_main_failure.exit_status != 0) return {spawn_ending(s.exec_main_failure, note), false, true};
    if (s.result == service_result::resources)
        return {"no process could be made for it" + (note.empty() ? "" : ": " + std::string(note)), true,
                true};
    if (!has_ended(s)) return {};
    return {was(s.exec_main), false, false};
}

std::string last_words(const instance_status& s)
{
    const run_end& last = s.last_run;
    const bool is_well = s.result == service_result::success || last.result == service_result::success ||
                         last.result == service_result::exec_condition;
    if (is_well || last.invocation.serial == 0 || last.invocation != s.invocation) return {};
    std::string_view output = last.output;
    while (!output.empty()) {
        const std::size_t begin = output.rfind('\n') + 1; // npos + 1 is 0
        const std::string line = plain_line(output.substr(begin));
        if (!line.empty()) return "; its last words: \"" + line + '"';
        output.remove_suffix(output.size() - (begin == 0 ? 0 : begin - 1));
    }
    return {};
}

std::string advice_on(const program_config& config, const instance_status& s)
{
    const bool is_unready = is_notify(config.type) && s.notified == notify_state::unknown && !s.culprit &&
                            (s.result == service_result::protocol ||
                             (s.result == service_result::timeout && s.expired == time_limit::start));
    if (is_unready || s.result == service_result::watchdog) {
        if (s.ignored_notifications != 0) return ignored_notifications(config, s);
        if (is_unready && s.exec_main_start != wall_time{})
            return "a program that never notifies needs another type, as exec";
        return {};
    }
    if (s.result == service_result::exit_code && !s.culprit && is_clean_signal_as_status(s.exec_main)) {
        const std::string status = std::to_string(s.exec_main.status);
        return "that is how a shell or a Java program ends by " + signal_name(s.exec_main.status - 128) +
               ", but " + status + " is a failure unless success_exit_status names it";
    }
    return {};
}

} // namespace procctl
