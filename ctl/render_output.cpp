#include "ctl/render_output.h"

namespace procctl::ctl {
namespace {

using protocol::program_status;

// Nothing runs: what it wrote last is the end of its log, unless others write there, too.
bool is_down(const program_status& p)
{
    return p.active_state == "inactive" || p.active_state == "failed" || p.sub_state == "auto-restart";
}

// Of a program that is up only what a failure has left behind is news.
bool has_last_words(const program_status& p)
{
    if (p.last_output.empty()) return false;
    return is_down(p) || (p.last_result != "success" && p.last_result != "exec-condition");
}

constexpr int most_lines = 10; // as many as of the log

// Without the end of the last line.
std::string_view without_end(std::string_view lines)
{
    if (lines.ends_with('\n')) lines.remove_suffix(1);
    return lines;
}

std::string_view last_lines(std::string_view text)
{
    std::size_t begin = without_end(text).size();
    for (int n = 0; n < most_lines; ++n) {
        if (begin == 0) return text;
        const std::size_t before = text.rfind('\n', begin - 1);
        if (before == std::string_view::npos) return text;
        begin = before;
    }
    return text.substr(begin + 1);
}

// Whether the log ends with these lines, the first of which may have lost its beginning. The log has bytes
// where the reply has text, in which U+FFFD stands for what was none: so has their form in JSON.
bool ends_with(std::string_view log, std::string_view lines)
{
    const std::string wanted = protocol::json_text(without_end(lines));
    return protocol::json_text(without_end(log)).ends_with(std::string_view(wanted).substr(1));
}

std::string lines_of(std::string_view text)
{
    std::string out;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string line;
        for (const char c : text.substr(0, end))
            line += c == '\t' ? std::string(8, ' ') : std::string(1, c);
        out += printable(line) + '\n';
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out;
}

std::string section(const std::string& title, std::string_view text, const view& how)
{
    return '\n' + (title.empty() ? title : painted(title, color::bold, how) + '\n') + lines_of(text);
}

std::string title_of_last_output(const program_status& p, bool is_cut, const view& how)
{
    std::string title = is_cut ? "Last " + std::to_string(most_lines) + " lines" : std::string("Last output");
    title += " of the run that ended";
    if (p.last_result != "success") title += " (" + printable(p.last_result) + ')';
    if (p.last_end_timestamp != 0) title += ' ' + since_text(p.last_end_timestamp, how);
    return title + ':';
}

} // namespace

std::string log_places(const program_status& p)
{
    std::string text = printable(p.log_path);
    const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
    if (!p.stderr_log_path.empty()) add("standard error: " + printable(p.stderr_log_path));
    if (!p.log_note.empty()) add(printable(p.log_note));
    return text;
}

std::string log_problem(const program_status& p, const view& how)
{
    const std::string dropped = std::to_string(p.dropped_output) + " bytes dropped";
    if (p.log_error.empty())
        return p.dropped_output == 0
                   ? std::string()
                   : painted(dropped + " while the log could not be written", color::yellow, how);
    std::string text = printable(p.log_error);
    if (p.log_error_timestamp != 0) text += ", since " + since_text(p.log_error_timestamp, how);
    text += p.on_log_error == "drop" ? "; output is thrown away (on_log_error: drop)"
                                     : "; output waits in the pipe (on_log_error: wait)";
    if (p.dropped_output != 0) text += "; " + dropped;
    return painted(text, color::red, how);
}

std::string render_output(const program_status& p, std::string_view log, const view& how)
{
    const bool has_log = !log.empty();
    if (!has_last_words(p)) return has_log ? section("", log, how) : std::string();
    const std::string_view lines = last_lines(p.last_output);
    if (has_log && is_down(p) && ends_with(log, lines)) return section("Last output:", log, how);
    const bool is_cut = lines.size() < p.last_output.size();
    return section(title_of_last_output(p, is_cut, how), lines, how) +
           (has_log ? section("End of the log:", log, how) : std::string());
}

std::string render_log_hint(const std::vector<program_status>& programs, const view& how)
{
    static constexpr std::size_t most = 3; // named
    std::string names;
    std::string first;
    std::size_t count = 0;
    for (const program_status& p : programs) {
        if (p.log_error.empty() || ++count > most) continue;
        names += (count == 1 ? "" : ", ") + printable(p.name);
        if (count == 1) first = printable(p.name);
    }
    if (count == 0) return {};
    if (count > most) names += " and " + std::to_string(count - most) + " more";
    return '\n' +
           painted((count == 1 ? "The log of " : "The logs of ") + names +
                       " cannot be written: `procctl status " + first + "` says why",
                   color::red, how) +
           '\n';
}

} // namespace procctl::ctl
