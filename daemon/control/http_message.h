// A request and its reply, free of the HTTP library: what the routes work with.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"

#include <functional>
#include <string>
#include <variant>

namespace procctl {

struct http_request {
    std::string method; // "GET"
    std::string target; // "/v1/programs?pattern=worker"
    std::string body;
};

struct http_reply {
    int status = 200;
    std::string body;                 // JSON, without a line end
    std::string allow = {};           // the methods for 405
    std::function<void()> after = {}; // called once the reply is written, or could not be
};

// Somebody else writes the whole response: gives the connection's descriptor away.
struct hand_over {
    std::function<result<void>(unique_fd)> to;
};

using final_response = std::variant<http_reply, hand_over>;

// The response comes later: call `begin` with what shall happen then. It calls back at most once, perhaps
// from within.
struct deferred_reply {
    std::function<void(std::function<void(final_response)>)> begin;
};

using response = std::variant<http_reply, deferred_reply, hand_over>;

} // namespace procctl
