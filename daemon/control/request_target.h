// The target of an HTTP request, "/v1/programs/worker%401/log?lines=20", taken apart and decoded. Pure.
#pragma once

#include "common/result.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace procctl {

struct request_target {
    std::vector<std::string> segments; // "v1", "programs", "worker@1", "log": decoded after splitting
    std::vector<std::pair<std::string, std::string>> parameters; // in order; a name may be repeated

    [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
    // The last value of a parameter; null when it is not given.
    [[nodiscard]] const std::string* find(std::string_view name) const;
};

// Errors: not a path, an empty segment, '%' without two hex digits, a NUL byte.
[[nodiscard]] result<request_target> parse_request_target(std::string_view target);

} // namespace procctl
