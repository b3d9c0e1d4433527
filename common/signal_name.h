// Signals by name and number, as signal(7) and systemd spell them.
#pragma once

#include "common/result.h"

#include <string>
#include <string_view>

namespace procctl {

// "SIGINT", "INT", "2", "SIGRTMIN+3", "RTMAX-1". Range 1 to 64; glibc's SIGRTMIN is 34.
[[nodiscard]] result<int> parse_signal(std::string_view text);
// "SIGINT"; "SIGRTMIN+3" for realtime signals.
[[nodiscard]] std::string signal_name(int signal);

} // namespace procctl
