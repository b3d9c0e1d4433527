// The name of a stream (one pipe and the file its bytes go to), in the daemon and in the output process
// alike.
#pragma once

#include <cstdint>

namespace procctl {

using stream_id = std::uint32_t; // 0: none; never reused

} // namespace procctl
