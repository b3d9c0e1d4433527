#include "common/protocol.h"
#include "ctl/handlers.h"
#include "ctl/render.h"
#include "ctl/render_output.h"

#include <algorithm>
#include <ostream>
#include <set>

namespace procctl::ctl {
namespace {

using protocol::program_status;

std::string path_of(std::string_view name, std::string_view what = {})
{
    return "/v1/programs/" + encoded(name) + std::string(what);
}

std::string query_of(const std::vector<std::string>& patterns)
{
    std::string query;
    for (const std::string& pattern : patterns)
        query += (query.empty() ? "?pattern=" : "&pattern=") + encoded(pattern);
    return query;
}

// What the daemon says of the programs named. Names that it does not know are reported and left out.
struct looked_up {
    std::vector<program_status> programs{};
    std::string json{}; // the daemon's own words
    bool some_unknown = false;
    std::optional<int> failed{}; // the exit status to end with
};

looked_up look_up(session& s, std::vector<std::string> patterns)
{
    looked_up out;
    const bool names_all = patterns.empty();
    for (;;) {
        const asked answer = ask(s, "GET", "/v1/programs" + query_of(patterns));
        if (answer.failed) return {.failed = answer.failed};
        if (answer.reply.status == 200) {
            auto programs = protocol::program_statuses_from_json(answer.reply.body);
            if (!programs) return {.failed = not_understood(s, programs.error())};
            out.programs = std::move(*programs);
            out.json = answer.reply.body;
            return out;
        }
        if (answer.reply.status != 404 || names_all || out.some_unknown)
            return {.failed = refused(s, answer.reply)};

        // One name is unknown; the others are still to be shown. So ask for each.
        out.some_unknown = true;
        std::vector<std::string> good;
        for (const std::string& pattern : patterns) {
            const asked one = ask(s, "GET", path_of(pattern));
            if (one.failed) return {.failed = one.failed};
            if (one.reply.status == 200)
                good.push_back(pattern);
            else if (const auto why = protocol::error_reply_from_json(one.reply.body); why && !s.opts.quiet)
                s.err << "procctl: " << printable(why->message) << '\n';
        }
        if (good.empty()) {
            out.json = "[]\n";
            return out;
        }
        patterns = std::move(good);
    }
}

// A program that reloads is up meanwhile, as systemctl sees it too.
bool is_active(const program_status& p)
{
    return p.active_state == "active" || p.active_state == "reloading";
}
bool is_failed(const program_status& p) { return p.active_state == "failed"; }

// The ends of programs' logs. That one cannot be had does not spoil the status, nor hold it up.
class log_tails {
public:
    explicit log_tails(session& s) : session_(s) {}

    std::string of(const std::string& name)
    {
        if (!is_answering_) return gave_up;
        std::string text;
        const auto got = session_.daemon.stream(
            path_of(name, "/log?lines=10"), [&](std::string_view piece) { text += piece; },
            std::chrono::seconds(1));
        if (!got || got->status != 200) return {};
        is_answering_ = got->is_complete;
        return is_answering_ ? text : gave_up;
    }

private:
    static constexpr const char* gave_up = "(the end of the log cannot be had at present)\n";

    session& session_;
    bool is_answering_ = true; // once one has not, the others are not waited for
};

// Something wrong with the configuration concerns whoever looks at the table: a program may be missing there.
void report_problems(session& s)
{
    const auto reply = s.daemon.request("GET", "/v1/daemon", {});
    if (!reply || reply->status != 200) return;
    const auto daemon = protocol::daemon_status_from_json(reply->body);
    if (!daemon || daemon->problems.empty()) return;
    const bool is_error =
        std::ranges::any_of(daemon->problems, [](const protocol::problem& p) { return p.level == "error"; });
    s.out << '\n'
          << painted("The configuration has " + std::to_string(daemon->problems.size()) +
                         (daemon->problems.size() == 1 ? " problem:" : " problems:"),
                     is_error ? color::red : color::yellow, s.how)
          << '\n'
          << render_problems(daemon->problems, s.how);
}

int show_table(session& s, const looked_up& found)
{
    if (found.programs.empty())
        s.out << "No programs. Describe one in a file in conf.d and run `procctl update`.\n";
    else
        s.out << render_table(found.programs, s.how) << render_log_hint(found.programs, s.how);
    report_problems(s);
    return exit_done;
}

int answer_question(session& s, bool (*holds)(const program_status&), int otherwise)
{
    const looked_up found = look_up(s, s.opts.names);
    if (found.failed) return *found.failed;
    if (s.opts.json())
        s.out << found.json;
    else if (!s.opts.quiet)
        for (const program_status& p : found.programs)
            s.out << printable(p.active_state) << '\n';
    if (std::ranges::any_of(found.programs, holds)) return exit_done;
    return found.some_unknown ? int{exit_unknown} : otherwise;
}

} // namespace

int run_status(session& s)
{
    const looked_up found = look_up(s, s.opts.names);
    if (found.failed) return *found.failed;
    if (s.opts.json())
        s.out << found.json;
    else if (s.opts.names.empty())
        return show_table(s, found);
    else {
        log_tails tails(s);
        for (const program_status& p : found.programs)
            s.out << (&p == found.programs.data() ? "" : "\n") << render_status(p, tails.of(p.name), s.how);
    }
    if (s.opts.names.empty()) return exit_done;
    if (found.some_unknown) return exit_unknown;
    return std::ranges::all_of(found.programs, is_active) ? exit_done : exit_not_active;
}

int run_show(session& s)
{
    std::set<std::string> unknown(s.opts.properties.begin(), s.opts.properties.end());
    bool is_first = true;
    for (const std::string& name : s.opts.names) {
        const asked answer = ask(s, "GET", path_of(name, "/properties"));
        if (answer.failed) return *answer.failed;
        if (answer.reply.status != 200) return refused(s, answer.reply);
        if (s.opts.json()) {
            s.out << answer.reply.body;
            continue;
        }
        const auto lists = protocol::property_lists_from_json(answer.reply.body);
        if (!lists) return not_understood(s, lists.error());
        for (const auto& properties : *lists) {
            if (!std::exchange(is_first, false)) s.out << '\n';
            s.out << render_properties(properties, s.opts.properties);
            for (const auto& [property, value] : properties)
                unknown.erase(property);
        }
    }
    if (s.opts.json() || unknown.empty()) return exit_done;
    for (const std::string& property : unknown)
        s.err << "procctl: no property is named '" << printable(property) << "'\n";
    return exit_failed;
}

int run_cat(session& s)
{
    for (const std::string& name : s.opts.names)
        if (const int status = pass_on(s, path_of(name, "/source")); status != exit_done) return status;
    return exit_done;
}

int run_is_active(session& s) { return answer_question(s, is_active, exit_not_active); }
int run_is_failed(session& s) { return answer_question(s, is_failed, exit_failed); }

} // namespace procctl::ctl
