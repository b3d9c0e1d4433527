// The routes about logs: read by a helper process in the daemon's stead, and rotated.
#include "daemon/control/handlers.h"
#include "daemon/control/log_parameters.h"
#include "daemon/control/request_parts.h"
#include "daemon/control/settled_response.h"

#include <algorithm>

namespace procctl::handlers {
namespace {

std::string_view to_text(log_rotation::outcome outcome)
{
    switch (outcome) {
    case log_rotation::outcome::done: return "done";
    case log_rotation::outcome::skipped: return "skipped";
    case log_rotation::outcome::failed: return "failed";
    }
    return "";
}

http_reply rotations_response(const std::vector<log_rotation>& rotations)
{
    std::vector<protocol::job_reply> replies;
    for (const log_rotation& r : rotations)
        replies.push_back({.name = r.name,
                           .job = "rotate-log",
                           .outcome = std::string(to_text(r.result)),
                           .explanation = r.explanation});
    const auto failed = std::ranges::count(rotations, log_rotation::outcome::failed, &log_rotation::result);
    if (failed == 0) return ok(to_json(replies));
    return {.status = 409,
            .body = to_json({.kind = "job-failed",
                             .message = std::to_string(failed) + " of " + std::to_string(replies.size()) +
                                        (replies.size() == 1 ? " log" : " logs") + " could not be rotated"},
                            replies)};
}

} // namespace

response get_log(const route_call& call)
{
    std::vector<std::string> patterns = call.target.all("pattern");
    if (!call.name.empty()) patterns = {std::string(call.name)};
    if (patterns.empty()) return bad_request("the parameter 'pattern' is missing: whose log?");
    const auto ids = matched(patterns, call.daemon.programs());
    if (!ids) return ids.error().reply;
    const auto what = read_log_selection(call.target);
    if (!what) return bad_request(what.error().message());
    return settled_response(call.daemon, *ids, [ids = *ids, what = *what, &daemon = call.daemon] {
        log_query query{.instances = {}, .what = what};
        for (const instance_id id : ids)
            if (const instance* const who = daemon.programs().find(id)) query.instances.push_back(who->name);
        return hand_over{[query = std::move(query), &daemon](unique_fd client) {
            return daemon.serve_log(std::move(client), query);
        }};
    });
}

response rotate_log(const route_call& call)
{
    const auto ids = named(call);
    if (!ids) return ids.error().reply;
    const auto begin = [ids = *ids, who = call.who, &daemon = call.daemon](auto reply) {
        daemon.rotate_logs(ids, who, [reply](const std::vector<log_rotation>& rotations) {
            reply(rotations_response(rotations));
        });
    };
    return deferred_reply{begin};
}

} // namespace procctl::handlers
