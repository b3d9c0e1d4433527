// Names that somebody who mistyped one may have meant. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace procctl {

// At most three of `names`, the nearest first: those a slip or two away, and those that begin with `typed`.
[[nodiscard]] std::vector<std::string> near_names(std::string_view typed,
                                                  const std::vector<std::string>& names);

} // namespace procctl
