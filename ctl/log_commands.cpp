// procctl logs: the client's half. What its options mean becomes a request; lines are passed on as they come.
#include "common/log_selection.h"
#include "common/timestamp.h"
#include "ctl/handlers.h"

#include <charconv>
#include <ostream>

namespace procctl::ctl {
namespace {

int wrong_usage(session& s, const std::string& message)
{
    s.err << "procctl: " << message << "\nSee `procctl logs --help`.\n";
    return exit_usage;
}

// The question as the parameters of a request: those that are given. The error is a sentence.
result<std::string> parameters_of(const options& opts, const view& how)
{
    std::string out;
    const auto add = [&out](std::string_view name, std::string_view value) {
        out.append("&").append(name).append("=") += encoded(value);
    };
    if (!opts.lines.empty()) {
        unsigned lines = 0;
        const char* const end = opts.lines.data() + opts.lines.size();
        const auto [rest, failed] = std::from_chars(opts.lines.data(), end, lines);
        if (opts.lines != "all" && (failed != std::errc{} || rest != end))
            return make_error("--lines is '" + opts.lines + "'; it is a number or all");
        add("lines", opts.lines);
    }
    if (opts.follow) add("follow", "true");
    const auto now = static_cast<std::int64_t>(how.now);
    for (const auto& [name, text] : {std::pair{"since", &opts.since}, std::pair{"until", &opts.until}}) {
        if (text->empty()) continue;
        const auto time = parse_timestamp(*text, now);
        if (!time) return make_error("--" + std::string(name) + ": " + time.error().message());
        add(name, std::to_string(*time));
    }
    if (opts.only_stdout && opts.only_stderr) return make_error("--stdout and --stderr exclude each other");
    if (opts.only_stdout) add("stream", "stdout");
    if (opts.only_stderr) add("stream", "stderr");
    if (!opts.grep.empty()) add("grep", opts.grep);
    if (opts.json())
        add("output", "json");
    else if (how.color)
        add("color", "true");
    return out;
}

bool chooses_lines(const options& o)
{
    return !o.lines.empty() || o.follow || !o.since.empty() || !o.until.empty() || o.only_stdout ||
           o.only_stderr || !o.grep.empty();
}

} // namespace

int run_logs(session& s)
{
    if (s.opts.rotate) {
        if (chooses_lines(s.opts))
            return wrong_usage(s, "--rotate shows no lines, so no option about them goes with it");
        return rotate_logs(s);
    }
    const auto parameters = parameters_of(s.opts, s.how);
    if (!parameters) return wrong_usage(s, parameters.error().message());
    std::string target = "/v1/log";
    for (const std::string& name : s.opts.names)
        target += (&name == s.opts.names.data() ? "?pattern=" : "&pattern=") + encoded(name);
    return pass_on(s, target + *parameters);
}

} // namespace procctl::ctl
