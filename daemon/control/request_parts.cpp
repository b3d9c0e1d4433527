#include "daemon/control/request_parts.h"

#include "daemon/control/near_names.h"

#include <set>

namespace procctl::handlers {
namespace {

http_reply no_such_program(std::string_view pattern, const supervisor& programs)
{
    std::vector<std::string> names;
    for (const instance_id id : programs.all()) {
        const instance* const who = programs.find(id);
        const std::string& program = who->program->config.name;
        if (names.empty() || names.back() != program) names.push_back(program);
    }
    std::string message = "no program is named '" + std::string(pattern) + "'";
    if (pattern.starts_with('@')) message = "no program has the tag '" + std::string(pattern.substr(1)) + "'";
    const std::vector<std::string> near = near_names(pattern.substr(0, pattern.find('@')), names);
    for (std::size_t i = 0; i < near.size(); ++i)
        message += (i == 0 ? ": did you mean '" : i + 1 == near.size() ? " or '" : ", '") + near[i] + "'";
    return error_response(404, "no-such-program", message + (near.empty() ? "" : "?"));
}

} // namespace

http_reply ok(std::string body) { return {.status = 200, .body = std::move(body)}; }
http_reply bad_request(std::string message) { return error_response(400, "bad-request", std::move(message)); }

checked<std::vector<instance_id>> matched(const std::vector<std::string>& patterns,
                                          const supervisor& programs)
{
    static constexpr std::size_t most_patterns = 1000;
    static constexpr std::size_t longest_pattern = 256; // twice the longest name
    if (patterns.size() > most_patterns)
        return refusal{
            bad_request("the request names more than 1000 programs; name them by a pattern or a tag")};
    std::vector<instance_id> out;
    std::set<instance_id> seen;
    for (const std::string& pattern : patterns) {
        if (pattern.size() > longest_pattern)
            return refusal{bad_request("the request has a name longer than 256 bytes")};
        const std::vector<instance_id> ids = programs.match(pattern);
        // "all" of nothing is nothing; any other name that names nothing is a mistake.
        if (ids.empty() && pattern != "all") return refusal{no_such_program(pattern, programs)};
        for (const instance_id id : ids)
            if (seen.insert(id).second) out.push_back(id);
    }
    return out;
}

checked<std::vector<instance_id>> named(const route_call& call)
{
    return matched({std::string(call.name)}, call.daemon.programs());
}

checked<bool> flag(const route_call& call, std::string_view name, bool otherwise)
{
    const std::string* const value = call.target.find(name);
    if (value == nullptr) return otherwise;
    if (*value == "true" || *value == "1" || value->empty()) return true;
    if (*value == "false" || *value == "0") return false;
    return refusal{
        bad_request("the parameter '" + std::string(name) + "' is '" + *value + "'; it is true or false")};
}

} // namespace procctl::handlers
