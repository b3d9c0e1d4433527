// Sizes in bytes as systemd spells them: base 1024, suffixes K M G T P E (also B), "infinity".
#pragma once

#include "common/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace procctl {

inline constexpr std::uint64_t unlimited_size = UINT64_MAX; // "infinity"

// "50M", "1.5G", "4096", "infinity". Errors: empty, unknown suffix, negative, overflow.
[[nodiscard]] result<std::uint64_t> parse_size(std::string_view text);
// The shortest exact spelling: "50M", "4097", "infinity".
[[nodiscard]] std::string format_size(std::uint64_t bytes);

} // namespace procctl
