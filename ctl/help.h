// --help, from the table of commands. Pure.
#pragma once

#include "ctl/commands.h"

#include <string>

namespace procctl::ctl {

[[nodiscard]] std::string help_text();
[[nodiscard]] std::string help_text(const command&);

} // namespace procctl::ctl
