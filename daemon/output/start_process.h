// Starts the output process.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"

#include <optional>
#include <string>

#include <sys/types.h>

namespace procctl::output {

struct started {
    pid_t pid = 0;
    unique_fd pidfd;
    std::optional<error> problem; // it could not be executed: the child ends at once, and is to be reaped
};

// Runs `executable --output-process` in a session of its own, with `socket` (borrowed) as its standard input
// and our standard output and error, which may be the target of a log.
[[nodiscard]] result<started> start_process(const std::string& executable, int socket);

} // namespace procctl::output
