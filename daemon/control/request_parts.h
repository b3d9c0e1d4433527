// What requests have in common: the programs that they name, their flags, and the replies that refuse them.
#pragma once

#include "daemon/control/routes.h"

#include <string>
#include <string_view>
#include <vector>

namespace procctl::handlers {

// What a request asks for, or the reply that refuses it. A type of its own, because http_reply could also be
// made of a number.
struct refusal {
    http_reply reply;
};
template <class T> using checked = boost::system::result<T, refusal>;

[[nodiscard]] http_reply ok(std::string body);
[[nodiscard]] http_reply bad_request(std::string message);

// The instances that any of the patterns names, each once. A pattern that names none refuses the request. How
// much a request may ask for is bounded, because the loop stands still meanwhile.
[[nodiscard]] checked<std::vector<instance_id>> matched(const std::vector<std::string>& patterns,
                                                        const supervisor& programs);
// Those that the path names.
[[nodiscard]] checked<std::vector<instance_id>> named(const route_call&);

// A parameter that is true or false.
[[nodiscard]] checked<bool> flag(const route_call&, std::string_view name, bool otherwise);

} // namespace procctl::handlers
