// Keeps two daemons from using the same state folder: a lock on `lock` in it, held for as long as the object
// lives, and given back by the kernel however the daemon ends.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"

#include <string>

namespace procctl {

class state_lock {
public:
    // The error names who holds it: "another procctld (pid 123) uses /var/lib/procctl".
    [[nodiscard]] static result<state_lock> acquire(const std::string& state_dir);

private:
    explicit state_lock(unique_fd file) : file_(std::move(file)) {}

    unique_fd file_;
};

} // namespace procctl
