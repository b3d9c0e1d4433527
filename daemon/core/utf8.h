// UTF-8: whether a text is valid, and where in it a byte stands.
#pragma once

#include "daemon/core/diagnostic.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace procctl {

// The first byte that begins no valid character (surrogates and overlong forms are none); npos when all is
// well.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text);

// The text, or its beginning with "…" when it is longer than a message should quote.
[[nodiscard]] std::string shortened(std::string_view text);

// Line and column (in bytes) of a byte of the text.
[[nodiscard]] source_position position_of(std::string_view text, std::size_t byte, const std::string& file);

} // namespace procctl
