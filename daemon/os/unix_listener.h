// A listening Unix socket at a path, with the rights it needs before anyone can reach it.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"

#include <optional>
#include <string>

#include <sys/types.h>

namespace procctl {

// A stream socket, listening, non-blocking, at `path`, whose folder is made if it is missing. A socket that a
// dead process has left there is replaced; one that is alive is an error, and so is anything that is no
// socket. `group`: who owns it besides the daemon's user; absent: the daemon's group.
[[nodiscard]] result<unique_fd> listen_on(const std::string& path, mode_t mode, std::optional<gid_t> group);

} // namespace procctl
