// The daemon's own table of descriptors, and what programs get of it.
#pragma once

#include "common/result.h"

#include <cstdint>
#include <optional>

namespace procctl {

// Opens /dev/null for each of 0, 1 and 2 that is closed, so that nothing else ever gets these numbers, and
// makes every descriptor from 3 up, which the caller may have left open, close-on-exec.
[[nodiscard]] result<void> secure_inherited_descriptors();

struct descriptor_limit {
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;
};

// Raises RLIMIT_NOFILE's soft limit to the hard one, for the daemon alone: programs go on to get the soft
// limit it was started with, since one above 1024 breaks programs that use select(2). An error may be
// ignored: the daemon then has room for fewer programs.
result<void> raise_descriptor_limit();
// The limit before it was raised; empty: it was not.
[[nodiscard]] std::optional<descriptor_limit> original_descriptor_limit();

} // namespace procctl
