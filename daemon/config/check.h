// `procctld --check`: loads the configuration, says everything that is wrong, and does nothing else.
#pragma once

#include "daemon/config/load.h"

#include <iosfwd>

namespace procctl {

// One line per problem to `err`, "file:line:column: level: message", then one line that sums it up: to `out`
// when all is well, else to `err`. Returns the exit status: 0, or 1 when there are errors.
[[nodiscard]] int check_main(const load_request&, std::ostream& out, std::ostream& err);

} // namespace procctl
