// Why an instance is in its state, what comes next, and how to go on: one to three sentences for people.
// Pure.
#pragma once

#include "daemon/core/supervisor.h"

#include <string>
#include <string_view>

namespace procctl {

// `note` is what the shell knows beyond the status ("cannot execute /opt/x: No such file or directory"); it
// may be empty.
[[nodiscard]] std::string explain(const instance&, std::string_view note, const instant& now);

} // namespace procctl
