// Signals every process of a set that may grow while it is being signalled.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"

#include <functional>
#include <span>
#include <unordered_set>
#include <vector>

#include <sys/types.h>

namespace procctl {

// A process whose number is its own as long as this is held: by the pidfd or, where that is empty, because
// it is a child of ours, which we do not reap meanwhile.
struct held_process {
    pid_t pid = 0;
    unique_fd pidfd;
};

// Finds the processes of the set. Those in `known` need not be among them again.
using find_processes = std::function<std::vector<held_process>(const std::unordered_set<pid_t>& known)>;

// Each gets the signal once, and those in `except` do not. Looks again until there is nobody new, but not for
// ever. Returns whether there was anybody; the first error when nobody could be signalled.
[[nodiscard]] result<bool> signal_each(const find_processes&, int signal, std::span<const pid_t> except);

} // namespace procctl
