// What local time is ahead of UTC.
#pragma once

#include "common/time.h"

#include <chrono>

namespace procctl::output {

// Looked up at most once for each second that is asked for, and remembered for the whole process. Notices a
// changed /etc/localtime.
[[nodiscard]] std::chrono::seconds utc_offset(wall_time);

} // namespace procctl::output
