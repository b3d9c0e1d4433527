// Where the log helper finds what an instance has written.
#pragma once

#include "daemon/control/output_view.h"
#include "daemon/helpers/log_request.h"

#include <string>
#include <vector>

namespace procctl {

// One log for both streams, or one for each. A file of JSON that two pipes lead to says itself which line is
// from which; of a raw one nobody can tell any more, as if they shared a pipe. Where there is none, because
// output goes elsewhere, it is one with a note; that of standard error says something only to who asks for
// standard error, or when there is no other.
[[nodiscard]] std::vector<log_source> log_sources_of(const std::string& instance, const std::string& program,
                                                     const output_view&);

} // namespace procctl
