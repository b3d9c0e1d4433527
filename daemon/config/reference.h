// What people and editors read of the format, made from the same table that the loader uses.
#pragma once

#include <string>

namespace procctl {

// A Markdown table of all keys of a program. docs/configuration.md holds it between two marks.
[[nodiscard]] std::string reference_markdown();

// The JSON Schema (draft 2020-12) of a file of conf.d, for editors. It is a help while typing: what it
// accepts the loader may still refuse.
[[nodiscard]] std::string json_schema();

} // namespace procctl
