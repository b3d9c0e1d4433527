// What became of the jobs that a request has set off, as the control API says it.
#pragma once

#include "common/protocol.h"
#include "daemon/control/backend.h"

#include <cstddef>
#include <vector>

namespace procctl {

// `waited`: the job is over. One that is not is queued, and there is nothing to explain yet.
[[nodiscard]] protocol::job_reply reply_of(const job_report&, job_kind, bool waited, const backend&);
[[nodiscard]] std::vector<protocol::job_reply> replies_of(const std::vector<job_report>&, job_kind,
                                                          bool waited, const backend&);

// How many were neither done nor skipped nor queued.
[[nodiscard]] std::size_t failures_in(const std::vector<protocol::job_reply>&);
// The error that says so.
[[nodiscard]] protocol::error_reply jobs_failed(const std::vector<protocol::job_reply>&);

} // namespace procctl
