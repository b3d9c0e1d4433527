#include "daemon/control/routes.h"

#include "daemon/control/handlers.h"
#include "daemon/control/log_parameters.h"

#include <algorithm>
#include <array>

namespace procctl {
namespace {

constexpr std::string_view any_name = "{name}";

constexpr auto table = std::to_array<route>({
    {"GET", "/v1/programs", access::read, "pattern", handlers::list_programs},
    {"GET", "/v1/programs/{name}", access::read, "", handlers::get_program},
    {"GET", "/v1/programs/{name}/properties", access::read, "", handlers::get_properties},
    {"GET", "/v1/programs/{name}/log", access::read, log_parameters_of_one, handlers::get_log},
    {"POST", "/v1/programs/{name}/log/rotate", access::control, "", handlers::rotate_log},
    {"GET", "/v1/programs/{name}/source", access::read, "", handlers::get_source},
    {"POST", "/v1/programs/{name}/start", access::control, "wait", handlers::start},
    {"POST", "/v1/programs/{name}/stop", access::control, "wait", handlers::stop},
    {"POST", "/v1/programs/{name}/restart", access::control, "wait", handlers::restart},
    {"POST", "/v1/programs/{name}/try-restart", access::control, "wait", handlers::try_restart},
    {"POST", "/v1/programs/{name}/reload", access::control, "wait", handlers::reload},
    {"POST", "/v1/programs/{name}/reset-failed", access::control, "", handlers::reset_failed},
    {"POST", "/v1/programs/{name}/kill", access::control, "signal whom", handlers::kill},
    {"POST", "/v1/jobs", access::control, "wait", handlers::post_jobs},
    {"POST", "/v1/update", access::control, "dry_run wait", handlers::update},
    {"GET", "/v1/log", access::read, log_parameters, handlers::get_log},
    {"GET", "/v1/daemon", access::read, "", handlers::get_daemon},
    {"POST", "/v1/daemon/shutdown", access::control, "", handlers::shut_down},
    {"GET", "/v1/version", access::read, "", handlers::get_version},
});

// Whether the path is the route's; `name` becomes what stands for {name}.
bool matches(const route& r, const std::vector<std::string>& segments, std::string_view& name)
{
    std::string_view rest = r.path;
    for (const std::string& segment : segments) {
        if (rest.empty()) return false;
        rest.remove_prefix(1);
        const std::string_view part = rest.substr(0, rest.find('/'));
        rest.remove_prefix(part.size());
        if (part == any_name)
            name = segment;
        else if (part != segment)
            return false;
    }
    return rest.empty();
}

// A word of a list of words separated by spaces.
bool has_word(std::string_view words, std::string_view word)
{
    while (!words.empty()) {
        const std::string_view next = words.substr(0, words.find(' '));
        if (next == word) return true;
        words.remove_prefix(std::min(next.size() + 1, words.size()));
    }
    return false;
}

http_reply wrong_method(const http_request& request, std::string allowed)
{
    http_reply reply = error_response(
        405, "method-not-allowed", "the method " + request.method + " is not one of this path's: " + allowed);
    reply.allow = std::move(allowed);
    return reply;
}

http_reply wrong_parameter(const route& r, const std::string& name)
{
    return error_response(400, "bad-request",
                          "unknown parameter '" + name + "'" +
                              (r.parameters.empty() ? std::string("; this path takes none")
                                                    : "; this path takes: " + std::string(r.parameters)));
}

} // namespace

std::span<const route> routes() { return table; }

http_reply error_response(int status, std::string kind, std::string message)
{
    return {.status = status, .body = to_json(protocol::error_reply{std::move(kind), std::move(message)})};
}

response answer(const http_request& request, const requester& who, const access_rules& rules, backend& daemon)
{
    const auto target = parse_request_target(request.target);
    if (!target) return error_response(400, "bad-request", target.error().message());
    const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : request.method;
    std::string allowed;
    for (const route& r : table) {
        std::string_view name;
        if (!matches(r, target->segments, name)) continue;
        if (r.method != method) {
            allowed +=
                (allowed.empty() ? "" : ", ") + std::string(r.method == "GET" ? "GET, HEAD" : r.method);
            continue;
        }
        if (!may(rules, who, r.needs))
            return error_response(403, "not-permitted",
                                  "user " + std::to_string(who.uid) + " may not " +
                                      (r.needs == access::read ? "read from" : "control") + " this daemon");
        for (const auto& [parameter, value] : target->parameters)
            if (!has_word(r.parameters, parameter)) return wrong_parameter(r, parameter);
        return r.handle({.request = request, .target = *target, .name = name, .who = who, .daemon = daemon});
    }
    if (!allowed.empty()) return wrong_method(request, std::move(allowed));
    return error_response(404, "not-found", "there is nothing at '" + request.target + "'");
}

} // namespace procctl
