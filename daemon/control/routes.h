// The routes of the control API: one table of method, path, who may, and handler.
//
// A handler maps a request and the daemon to a response; it does no I/O and never blocks. docs/control-api.md
// describes each route for people.
#pragma once

#include "daemon/control/backend.h"
#include "daemon/control/http_message.h"
#include "daemon/control/peer.h"
#include "daemon/control/request_target.h"

#include <span>
#include <string_view>

namespace procctl {

// What a handler is given.
struct route_call {
    const http_request& request;
    const request_target& target;
    std::string_view name; // what stood for {name} in the path: a pattern of instances
    const requester& who;
    backend& daemon;
};

struct route {
    std::string_view method;
    std::string_view path; // "/v1/programs/{name}/log"
    access needs;
    std::string_view parameters; // those it takes, separated by spaces; any other is refused
    response (*handle)(const route_call&);
};

[[nodiscard]] std::span<const route> routes();

// Answers a request: finds the route, checks who asks and what they pass, and calls the handler. HEAD is
// answered as GET; whoever writes the response leaves the body out.
[[nodiscard]] response answer(const http_request&, const requester&, const access_rules&, backend&);

// An error as the API words it: {"kind": …, "message": …}.
[[nodiscard]] http_reply error_response(int status, std::string kind, std::string message);

} // namespace procctl
