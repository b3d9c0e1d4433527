// A response that waits until the output of ended runs has arrived, so that whoever is told of an end finds
// what the program wrote before it in its log.
#pragma once

#include "daemon/control/backend.h"
#include "daemon/control/http_message.h"

#include <functional>
#include <vector>

namespace procctl {

// What `make` makes once the output of the instances has settled (backend::when_settled): where nothing is on
// its way that is at once, and costs nothing worth mentioning. `make` is called at most once, also when the
// client has gone; by then instances may have gone as well. The backend has to outlive the response.
[[nodiscard]] response settled_response(backend&, std::vector<instance_id>,
                                        std::function<final_response()> make);

} // namespace procctl
