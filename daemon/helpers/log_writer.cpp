#include "daemon/helpers/log_writer.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace procctl {
namespace {

constexpr std::size_t most_gathered = 32U << 10U;

// As `docker compose logs` has it: cyan, yellow, green, magenta, blue, and those again, brighter.
constexpr std::array<std::string_view, 10> colors{"36",   "33",   "32",   "35",   "34",
                                                  "36;1", "33;1", "32;1", "35;1", "34;1"};

std::string_view program_of(const log_source& s) { return s.program.empty() ? s.name : s.program; }

} // namespace

log_writer::log_writer(const log_request& request, http_text& to) : request_(request), to_(to)
{
    std::set<std::string_view> names;
    std::size_t width = 0;
    for (const log_source& s : request.sources) {
        names.insert(s.name);
        width = std::max(width, s.name.size());
    }
    const log_selection& what = request.what;
    const bool looks_at_lines =
        what.pattern || what.since || what.until || !what.stream.empty() || what.output == log_output::json;
    is_plain_ = request.sources.size() == 1 && !looks_at_lines;
    if (what.output == log_output::json || names.size() < 2) return;
    std::map<std::string_view, std::size_t> places; // of the names, in the order in which they come
    for (const log_source& s : request.sources) {
        const std::size_t place = places.try_emplace(s.name, places.size()).first->second;
        const std::string prefix = s.name + std::string(width - s.name.size(), ' ') + " | ";
        prefixes_.push_back(what.has_color ? "\x1b[" + std::string(colors[place % colors.size()]) + 'm' +
                                                 prefix + "\x1b[0m"
                                           : prefix);
    }
}

bool log_writer::bytes(std::string_view bytes)
{
    if (!flush()) return false; // a note that came before
    if (bytes.empty()) return true;
    is_in_line_ = bytes.back() != '\n';
    return to_.send(bytes);
}

bool log_writer::line(std::size_t source, std::string_view text, const line_facts& said, std::int64_t time,
                      time_origin origin)
{
    const log_source& from = request_.sources[source];
    if (request_.what.output == log_output::json && !said.is_object) {
        line_facts facts = said;
        if (facts.stream.empty()) facts.stream = from.stream;
        gathered_ += line_as_json(facts, program_of(from), from.name, time, origin);
    } else {
        if (!prefixes_.empty()) gathered_ += prefixes_[source];
        gathered_ += text;
        gathered_ += '\n';
    }
    return gathered_.size() < most_gathered || flush();
}

bool log_writer::note(std::size_t source, std::string_view text)
{
    const log_source& from = request_.sources[source];
    if (std::exchange(is_in_line_, false)) gathered_ += '\n';
    if (request_.what.output == log_output::json)
        gathered_ += note_as_json(text, program_of(from), from.name);
    else
        gathered_.append(from.name).append(": ").append(text) += '\n';
    return gathered_.size() < most_gathered || flush();
}

bool log_writer::flush()
{
    const bool is_sent = to_.send(gathered_);
    gathered_.clear();
    return is_sent;
}

} // namespace procctl
