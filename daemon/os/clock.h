// Reads the clocks, for the core that may not.
#pragma once

#include "common/time.h"

namespace procctl {

[[nodiscard]] instant now();

} // namespace procctl
