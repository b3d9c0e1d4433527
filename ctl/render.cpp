#include "ctl/render.h"

#include "common/exit_status.h"
#include "common/time.h"
#include "ctl/render_output.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace procctl::ctl {
namespace {

using protocol::program_status;

color color_of(std::string_view active_state)
{
    if (active_state == "active" || active_state == "reloading") return color::green;
    if (active_state == "failed") return color::red;
    if (active_state == "activating" || active_state == "deactivating") return color::yellow;
    return color::none;
}

// --- The table.

constexpr std::size_t column_count = 6;
using row = std::array<std::string, column_count>;

bool is_up(const program_status& p) { return p.active_state == "active" || p.active_state == "reloading"; }

// What a program says of itself, in quotes and no longer than a line can take.
std::string own_words(const program_status& p, std::size_t width)
{
    return '"' + shortened(printable(p.status_text), width) + '"';
}

// A running program has nothing to explain: what it is for says more, and what it says of itself.
std::string last_column(const program_status& p)
{
    static constexpr std::size_t most = 60;
    if (!is_up(p)) return printable(p.explanation);
    std::string text = printable(p.description);
    if (!p.status_text.empty()) text += (text.empty() ? "" : ": ") + own_words(p, most);
    return text;
}

row row_of(const program_status& p, const view& how)
{
    const bool has_uptime = is_up(p) && p.active_enter_timestamp != 0;
    const std::uint64_t up = how.now > p.active_enter_timestamp ? how.now - p.active_enter_timestamp : 0;
    return {printable(p.name),
            printable(p.sub_state),
            p.main_pid == 0 ? "-" : std::to_string(p.main_pid),
            has_uptime ? short_span(up) : "-",
            std::to_string(p.n_restarts),
            last_column(p)};
}

std::string line_of(const row& cells, const std::array<std::size_t, column_count>& widths, color state,
                    color others, const view& how)
{
    std::string line;
    for (std::size_t i = 0; i < column_count; ++i) {
        const bool is_last = i + 1 == column_count;
        const std::string cell =
            is_last ? shortened(cells[i], widths[i]) : padded(shortened(cells[i], widths[i]), widths[i]);
        line += painted(cell, i == 1 ? state : others, how) + (is_last ? "" : "  ");
    }
    // Trailing blanks would show as soon as somebody copies the table.
    if (!how.color) line.erase(line.find_last_not_of(' ') + 1);
    return line + '\n';
}

// --- The view of one instance.

class field_list {
public:
    void add(std::string_view name, std::string_view value)
    {
        static constexpr std::size_t name_width = 12;
        text_.append(name_width - std::min(name.size(), name_width), ' ');
        text_.append(name).append(": ").append(value) += '\n';
    }
    [[nodiscard]] std::string text() && { return std::move(text_); }

private:
    std::string text_;
};

std::string active_line(const program_status& p, const view& how)
{
    // "failed (failed)" says no more than "failed".
    const std::string state =
        p.active_state == p.sub_state ? p.active_state : p.active_state + " (" + p.sub_state + ')';
    std::string text = painted(printable(state), color_of(p.active_state), how);
    if (p.result != "success") text += " (result: " + printable(p.result) + ')';
    if (p.state_change_timestamp != 0) text += " since " + since_text(p.state_change_timestamp, how);
    return text;
}

std::string last_death(std::int64_t code, std::int64_t status, std::uint64_t timestamp, const view& how)
{
    std::string text = code == 0 ? std::string("never ran")
                                 : describe({static_cast<exit_code_kind>(code), static_cast<int>(status)});
    if (timestamp != 0) text += ", " + since_text(timestamp, how);
    return text;
}

std::string seconds_text(double seconds)
{
    std::array<char, 32> text{};
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed, 1).ptr;
    return std::string(text.data(), end) + 's';
}

std::string counted(std::size_t n, std::string_view noun)
{
    return std::to_string(n) + ' ' + std::string(noun) + (n == 1 ? "" : "s");
}

// For the fields of which most programs have none: each only where there is something to say.
void add_processes(field_list& fields, const program_status& p)
{
    if (p.main_pid != 0) fields.add("Main PID", std::to_string(p.main_pid));
    if (p.control_pid != 0)
        fields.add("Control PID", std::to_string(p.control_pid) + " (" + printable(p.control_command) + ')');
    if (!p.control_group.empty())
        fields.add("CGroup", printable(p.control_group));
    else if (p.main_pid != 0 || p.control_pid != 0)
        fields.add("CGroup", "none (its processes are found by descent)");
}

void add_notified(field_list& fields, const program_status& p, const view& how)
{
    static constexpr std::size_t margin = 16; // the field's name and the quotes
    static constexpr std::size_t least = 20;
    static constexpr std::size_t most = 400;
    const std::size_t width =
        how.width == 0 ? most : std::max<std::size_t>(how.width, margin + least) - margin;
    if (!p.status_text.empty()) fields.add("Status", own_words(p, width));
    if (p.status_errno != 0)
        fields.add("Error", std::to_string(p.status_errno) + " (" +
                                std::generic_category().message(static_cast<int>(p.status_errno)) + ')');
    if (p.ignored_notifications != 0)
        fields.add("Notify", counted(p.ignored_notifications, "message") +
                                 " ignored (notify_access: " + printable(p.notify_access) + ')');
    if (p.watchdog_usec != 0)
        fields.add("Watchdog",
                   format_duration(duration(static_cast<std::int64_t>(p.watchdog_usec))) +
                       (p.next_watchdog_in_sec ? "; next ping due in " + seconds_text(*p.next_watchdog_in_sec)
                                               : std::string("; off")));
    if (p.n_file_descriptor_store != 0)
        fields.add("FD store", counted(p.n_file_descriptor_store, "descriptor"));
    if (!p.reload_result.empty() && p.reload_result != "success")
        fields.add("Reload", "failed (" + printable(p.reload_result) + ')');
}

std::string_view past_tense(std::string_view job)
{
    if (job == "start") return "started";
    if (job == "stop") return "stopped";
    if (job == "restart" || job == "try-restart") return "restarted";
    if (job == "reload") return "reloaded";
    if (job == "kill") return "signalled";
    if (job == "reset-failed") return "reset";
    if (job == "rotate-log") return "log rotated";
    return "done";
}

} // namespace

std::string render_table(const std::vector<program_status>& programs, const view& how)
{
    static const row titles{"NAME", "STATE", "PID", "UPTIME", "RESTARTS", "INFO"};
    std::vector<row> rows;
    rows.reserve(programs.size());
    std::array<std::size_t, column_count> widths{};
    const auto widen = [&](const row& cells) {
        for (std::size_t i = 0; i < column_count; ++i)
            widths[i] = std::max(widths[i], columns(cells[i]));
    };
    widen(titles);
    for (const program_status& p : programs)
        widen(rows.emplace_back(row_of(p, how)));

    if (how.width != 0) {
        // The last column takes what is left; on a terminal too narrow for that, names are shortened.
        static constexpr std::size_t gaps = 2 * (column_count - 1);
        static constexpr std::size_t least = 8;
        std::size_t others = gaps;
        for (std::size_t i = 0; i + 1 < column_count; ++i)
            others += widths[i];
        if (others + least > how.width) {
            const std::size_t excess =
                std::min(others + least - how.width, widths[0] - std::min(widths[0], least));
            widths[0] -= excess;
            others -= excess;
        }
        widths[column_count - 1] = how.width > others ? how.width - others : least;
    }

    std::string out = line_of(titles, widths, color::bold, color::bold, how);
    for (std::size_t i = 0; i < rows.size(); ++i)
        out += line_of(rows[i], widths, color_of(programs[i].active_state), color::none, how);
    return out;
}

std::string render_status(const program_status& p, std::string_view log, const view& how)
{
    std::string out =
        painted("●", color_of(p.active_state), how) + ' ' + painted(printable(p.name), color::bold, how);
    if (!p.description.empty()) out += " - " + printable(p.description);
    out += '\n';

    field_list fields;
    fields.add("Loaded", printable(p.source) + " (" + printable(p.type) + ')');
    fields.add("Active", active_line(p, how));
    if (!p.monitored.empty())
        fields.add("Started by",
                   printable(p.monitored) + (p.monitored_result == "success"
                                                 ? ", which ended well"
                                                 : ", which failed (" + printable(p.monitored_result) + ')'));
    add_processes(fields, p);
    add_notified(fields, p, how);
    if (p.exec_main_code != 0)
        fields.add("Last death",
                   last_death(p.exec_main_code, p.exec_main_status, p.exec_main_exit_timestamp, how));
    else if (p.last_end_timestamp != 0)
        fields.add("Last death",
                   (p.last_result == "success" ? std::string() : printable(p.last_result) + ": ") +
                       last_death(p.last_exec_main_code, p.last_exec_main_status, p.last_end_timestamp, how));
    if (p.next_restart_in_sec) fields.add("Next start", "in " + seconds_text(*p.next_restart_in_sec));
    fields.add("Restarts", std::to_string(p.n_restarts) + (p.start_limit_hit ? ", start limit hit" : ""));
    if (!p.invocation_id.empty()) fields.add("Invocation", printable(p.invocation_id));
    if (const std::string places = log_places(p); !places.empty()) fields.add("Log", places);
    if (const std::string problem = log_problem(p, how); !problem.empty()) fields.add("Log problem", problem);
    fields.add("Why", printable(p.explanation));
    return out + std::move(fields).text() + render_output(p, log, how);
}

std::string render_daemon(const protocol::daemon_status& d, const view& how)
{
    std::string out = painted("●", color::green, how) + " procctld " + printable(d.version) + '\n';
    field_list fields;
    fields.add("Main PID", std::to_string(d.pid));
    fields.add("Running", "since " + since_text(d.start_timestamp, how));
    fields.add("Programs", std::to_string(d.programs) + " (" + counted(d.instances, "instance") + ')');
    fields.add("Programs in", printable(d.conf_d));
    fields.add("Socket", printable(d.socket));
    fields.add("Logs in", printable(d.log_dir));
    fields.add("State in", printable(d.state_dir));
    if (d.dropped_log_lines != 0) fields.add("Own log", counted(d.dropped_log_lines, "line") + " dropped");
    if (!d.problems.empty())
        fields.add("Problems", counted(d.problems.size(), "problem") + " in the configuration");
    return out + std::move(fields).text() + render_problems(d.problems, how);
}

std::string render_problems(const std::vector<protocol::problem>& problems, const view& how)
{
    std::string out;
    for (const protocol::problem& p : problems) {
        out += printable(p.file) + ':';
        if (p.line != 0) out += std::to_string(p.line) + ':';
        if (p.line != 0 && p.column != 0) out += std::to_string(p.column) + ':';
        out += ' ' + painted(printable(p.level) + ':', p.level == "error" ? color::red : color::yellow, how) +
               ' ' + printable(p.message) + '\n';
    }
    return out;
}

std::string render_update(const protocol::update_reply& u)
{
    std::string out;
    const auto add = [&](std::string_view verb, const std::vector<std::string>& names,
                         std::string_view reason) {
        if (names.empty()) return;
        out += (u.dry_run ? "would " : "") + std::string(verb) + " (" + std::string(reason) + "):";
        for (const std::string& name : names)
            out += ' ' + printable(name);
        out += '\n';
    };
    add("start", u.start, "new");
    add("add", u.add, "new, autostart is off");
    add("restart", u.restart, "changed");
    add("replace", u.replace, "changed, and down: counts from its next start");
    add("stop", u.stop, "gone from the configuration");
    add("remove", u.remove, "gone from the configuration, and down");
    if (out.empty()) out = "nothing has changed\n";
    return out;
}

namespace {

// "start failed"; "start canceled".
std::string in_words(const protocol::job_reply& j)
{
    if (j.outcome == "start-limit-hit") return printable(j.job) + " refused by the start limit";
    if (j.outcome == "assert-failed") return printable(j.job) + " refused";
    if (j.outcome == "invalid" || j.outcome == "unsupported") return printable(j.job) + " not possible";
    if (j.outcome == "timeout") return printable(j.job) + " timed out";
    return printable(j.job) + ' ' + printable(j.outcome);
}

} // namespace

job_texts render_jobs(const std::vector<protocol::job_reply>& jobs, const view& how)
{
    job_texts out;
    for (const protocol::job_reply& j : jobs) {
        const std::string name = printable(j.name);
        if (j.outcome == "done") {
            out.done += name + ": " + std::string(past_tense(j.job)) + '\n';
        } else if (j.outcome == "queued") {
            out.done += name + ": " + printable(j.job) + " queued\n";
        } else if (j.outcome == "skipped") {
            out.done += name + ": " + printable(j.job) + " skipped" +
                        (j.explanation.empty() ? "" : ": " + printable(j.explanation)) + '\n';
        } else {
            out.failed += name + ": " + painted(in_words(j), color::red, how);
            if (!j.explanation.empty()) out.failed += ": " + printable(j.explanation);
            // Why a log cannot be rotated stands neither in its status nor in the log.
            if (j.job != "rotate-log")
                out.failed += "\n  see `procctl status " + name + "` and `procctl logs " + name + '`';
            out.failed += '\n';
        }
    }
    return out;
}

std::string render_properties(const std::vector<std::pair<std::string, std::string>>& all,
                              const std::vector<std::string>& wanted)
{
    std::string out;
    const auto add = [&](const auto& property) {
        out += printable(property.first) + '=' + printable(property.second) + '\n';
    };
    if (wanted.empty()) std::ranges::for_each(all, add);
    for (const std::string& name : wanted) {
        const auto found = std::ranges::find(all, name, &std::pair<std::string, std::string>::first);
        if (found != all.end()) add(*found);
    }
    return out;
}

} // namespace procctl::ctl
