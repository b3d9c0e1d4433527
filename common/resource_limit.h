// The resource limits of setrlimit(2): their names, and what they count.
#pragma once

#include <span>
#include <string_view>

namespace procctl {

enum class limit_unit { bytes, seconds, microseconds, count };

struct limit_name {
    std::string_view key; // "nofile", as in limit_nofile and systemd's LimitNOFILE
    int resource;         // RLIMIT_NOFILE
    limit_unit unit;
};

// All of them, in the order of systemd.exec(5).
[[nodiscard]] std::span<const limit_name> limit_names();
[[nodiscard]] const limit_name* find_limit(int resource);

} // namespace procctl
