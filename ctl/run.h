// procctl from its command line to its exit status.
#pragma once

#include <string>
#include <vector>

namespace procctl::ctl {

// The words after the program's name.
[[nodiscard]] int run(const std::vector<std::string>& words);

} // namespace procctl::ctl
