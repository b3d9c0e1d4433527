// The grammar of environment files, as systemd.exec(5) EnvironmentFile= has it: NAME=value lines, '#' and ';'
// comments, quotes, backslash continuation. Pure: text in, assignments out. A bad line is skipped as systemd
// does and reported.
#pragma once

#include "daemon/core/diagnostic.h"
#include "daemon/core/specifiers.h"

#include <string_view>

namespace procctl {

// `file` is the name used in what is reported. The assignments are in file order, later ones override earlier
// ones.
[[nodiscard]] environment parse_environment_file(std::string_view text, const std::string& file,
                                                 diagnostics& out);

// Whether the text may be the name of a variable: [A-Za-z_][A-Za-z0-9_]*.
[[nodiscard]] bool is_variable_name(std::string_view);

} // namespace procctl
