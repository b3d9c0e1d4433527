// What the text of a file tells of the mistakes that the YAML library accepts, or words too tersely.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace procctl {

// Where the quote stands that opens the scalar at `scalar`, when it is never closed; npos otherwise. The
// library takes the end of the text for the closing quote, so everything behind would be one value.
// `scalar` may stand before the anchor and the tag of the scalar, and be of any kind.
[[nodiscard]] std::size_t find_unclosed_quote(std::string_view text, std::size_t scalar);

// Where the first section stands, when the text is a unit file or another of that kind: "[Service]" and, on
// the next line that is no comment, "ExecStart=…". npos otherwise. No YAML looks so.
[[nodiscard]] std::size_t find_ini_section(std::string_view text);

// The library's message, with a sentence more for the mistakes that everyone makes. `line` is the line of
// the mistake, `column` counts from 1; 0 is unknown.
[[nodiscard]] std::string explain_yaml_error(std::string message, std::string_view line, std::size_t column);

} // namespace procctl
