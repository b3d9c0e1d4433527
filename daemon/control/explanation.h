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

// What became of a request, and why: for what is done or failed, why the instance is in its state.
[[nodiscard]] std::string explain_job(const instance&, job_kind, job_outcome, std::string_view note,
                                      const instant& now);

} // namespace procctl
