// What procctl says of a program's output: where it is, whether it can be written, and what came last. Pure.
#pragma once

#include "common/protocol.h"
#include "ctl/text.h"

#include <string>
#include <string_view>
#include <vector>

namespace procctl::ctl {

// "/var/log/procctl/web.log; standard error: /var/log/procctl/web.err", and where to look for what goes to no
// file.
[[nodiscard]] std::string log_places(const protocol::program_status&);

// Why the log cannot be written, since when, and what becomes of the output meanwhile; empty: all is well.
[[nodiscard]] std::string log_problem(const protocol::program_status&, const view&);

// The last output of the run that is over, at most ten lines of it, where it has ended the program or has
// failed; then `log`, the end of the log. Each has a title where there are both, and what would be the same
// is shown once. Empty: there is neither.
[[nodiscard]] std::string render_output(const protocol::program_status&, std::string_view log, const view&);

// For below the table: whose logs cannot be written; empty: all can.
[[nodiscard]] std::string render_log_hint(const std::vector<protocol::program_status>&, const view&);

} // namespace procctl::ctl
