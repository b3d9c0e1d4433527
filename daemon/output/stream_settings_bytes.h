// stream_settings as a part of a message: to bytes and back (docs/output.md has the format).
#pragma once

#include "common/result.h"
#include "daemon/output/stream_settings.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace procctl::output {

// A path that the kernel would still take (PATH_MAX counts its NUL); the other texts are no longer.
inline constexpr std::size_t max_text_size = 4095;
inline constexpr std::size_t max_settings_size = 80 + 5 * (4 + max_text_size);

[[nodiscard]] std::string to_bytes(const stream_settings&);
// Nothing is trusted: what is too short or too long, an unknown choice, a number out of range, a NUL in a
// text are errors. What is accepted becomes the same bytes again.
[[nodiscard]] result<stream_settings> settings_from_bytes(std::string_view);

} // namespace procctl::output
