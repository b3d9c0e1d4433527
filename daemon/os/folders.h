// Makes the folders that the daemon keeps its files in.
#pragma once

#include "common/result.h"

#include <string>

#include <sys/types.h>

namespace procctl {

// Makes `path` and what is missing above it. Folders that exist keep their mode; new ones get `mode`, less
// the umask.
[[nodiscard]] result<void> make_folders(const std::string& path, mode_t mode = 0750);

} // namespace procctl
