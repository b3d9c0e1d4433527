// Base64 as in RFC 4648, section 4: with padding; white space anywhere is passed over.
#pragma once

#include "common/result.h"

#include <string>
#include <string_view>

namespace procctl {

[[nodiscard]] std::string to_base64(std::string_view bytes);
// Errors: a character that is none of base64's, missing or misplaced padding, bits that stand for nothing.
[[nodiscard]] result<std::string> from_base64(std::string_view text);

} // namespace procctl
