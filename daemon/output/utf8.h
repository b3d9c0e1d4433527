// UTF-8 as RFC 3629 has it: no surrogates, nothing above U+10FFFF, no longer form than needed.
#pragma once

#include <cstddef>
#include <string_view>

namespace procctl::output {

[[nodiscard]] bool is_valid_utf8(std::string_view);

// Where to cut bytes that are longer than `limit` (at least 4): at `limit`, or up to three bytes before it
// where that spares a character. Looks at the bytes up to and including the one at `limit`, and no further.
[[nodiscard]] std::size_t utf8_boundary(std::string_view, std::size_t limit);

} // namespace procctl::output
