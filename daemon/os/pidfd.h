// Processes held by descriptor: a pidfd names one process for good, whatever becomes of its number.
#pragma once

#include "common/exit_status.h"
#include "common/unique_fd.h"

#include <sys/types.h>

namespace procctl {

// Empty, with errno set: ESRCH when there is no such process, EINVAL (or ENOENT) for a thread.
[[nodiscard]] unique_fd open_pidfd(pid_t);

// 0, or an errno: ESRCH when it has ended and is reaped. Signal 0 only asks.
[[nodiscard]] int send_signal(int pidfd, int signal);

// Its last thread has ended; it may be a zombie, or reaped.
[[nodiscard]] bool has_ended(int pidfd);

// How a process ended that is no child of ours. Nothing: nobody can tell. `pid` is the number it had.
[[nodiscard]] process_end end_of_alien(int pidfd, pid_t pid);

// From a status as wait(2) has it.
[[nodiscard]] process_end end_of_wait_status(int status);

} // namespace procctl
