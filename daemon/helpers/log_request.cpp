#include "daemon/helpers/log_request.h"

#include <boost/json.hpp>

#include <set>

namespace procctl {
namespace {

namespace json = boost::json;

// Members that have their default are left out: a request may name thousands of logs, and what a process is
// started with has its limits.
json::object object_of(const log_source& s)
{
    json::object out{{"name", s.name}, {"path", s.path}};
    if (!s.program.empty()) out["program"] = s.program;
    if (!s.stream.empty()) out["stream"] = s.stream;
    if (s.has_streams) out["has_streams"] = true;
    if (s.format != log_format::raw) out["format"] = to_text(s.format);
    if (s.timestamps != log_timestamps::none) out["timestamps"] = to_text(s.timestamps);
    if (!s.note.empty()) out["note"] = s.note;
    return out;
}

std::string text_at(const json::object& from, std::string_view name)
{
    const json::value* const found = from.if_contains(name);
    return found == nullptr ? std::string() : std::string(found->as_string());
}

bool flag_at(const json::object& from, std::string_view name)
{
    const json::value* const found = from.if_contains(name);
    return found != nullptr && found->as_bool();
}

std::optional<std::int64_t> number_at(const json::object& from, std::string_view name)
{
    const json::value* const found = from.if_contains(name);
    if (found == nullptr) return {};
    return found->to_number<std::int64_t>();
}

log_source source_from(const json::object& from)
{
    log_source out{.name = text_at(from, "name"), .path = text_at(from, "path")};
    out.program = text_at(from, "program");
    out.stream = text_at(from, "stream");
    out.has_streams = flag_at(from, "has_streams");
    out.note = text_at(from, "note");
    if (text_at(from, "format") == to_text(log_format::json)) out.format = log_format::json;
    for (const log_timestamps kind : {log_timestamps::iso, log_timestamps::local})
        if (text_at(from, "timestamps") == to_text(kind)) out.timestamps = kind;
    return out;
}

} // namespace

std::string to_json(const log_request& request)
{
    const log_selection& what = request.what;
    json::object out;
    if (what.lines) out["lines"] = *what.lines;
    if (what.follow) out["follow"] = true;
    if (what.since) out["since"] = *what.since;
    if (what.until) out["until"] = *what.until;
    if (!what.stream.empty()) out["stream"] = what.stream;
    if (what.pattern) out["pattern"] = *what.pattern;
    if (what.output == log_output::json) out["json"] = true;
    if (what.has_color) out["color"] = true;
    json::array& sources = out["sources"].emplace_array();
    for (const log_source& s : request.sources)
        sources.emplace_back(object_of(s));
    return json::serialize(out);
}

result<log_request> log_request_from_json(std::string_view text)
{
    try {
        const json::value whole = json::parse(text);
        const json::object& from = whole.as_object();
        log_request out;
        out.what.lines.reset();
        if (const json::value* const lines = from.if_contains("lines"))
            out.what.lines = lines->to_number<unsigned>();
        out.what.follow = flag_at(from, "follow");
        out.what.since = number_at(from, "since");
        out.what.until = number_at(from, "until");
        out.what.stream = text_at(from, "stream");
        if (from.contains("pattern")) out.what.pattern = text_at(from, "pattern");
        if (flag_at(from, "json")) out.what.output = log_output::json;
        out.what.has_color = flag_at(from, "color");
        for (const json::value& source : from.at("sources").as_array())
            out.sources.push_back(source_from(source.as_object()));
        return out;
    } catch (const std::exception& e) {
        return make_error(std::string("cannot read what is asked of the helper: ") + e.what());
    }
}

std::optional<log_refusal> select_stream(log_request& request)
{
    const std::string& wanted = request.what.stream;
    std::vector<log_source>& sources = request.sources;
    if (wanted.empty()) {
        std::set<std::string> with_log;
        for (const log_source& s : sources)
            if (s.note.empty()) with_log.insert(s.name);
        std::erase_if(sources,
                      [&](const log_source& s) { return !s.note.empty() && with_log.contains(s.name); });
        return {};
    }
    for (const log_source& s : sources)
        if (s.stream.empty() && !s.has_streams && s.note.empty())
            return log_refusal{
                409, "streams-shared",
                "the standard output and the standard error of '" + s.name +
                    "' share one pipe, so its log does not tell them apart; `log: {stderr_path: PATH}` gives "
                    "standard error a log of its own, from the next start on"};
    std::erase_if(sources, [&](const log_source& s) { return !s.stream.empty() && s.stream != wanted; });
    return {};
}

} // namespace procctl
