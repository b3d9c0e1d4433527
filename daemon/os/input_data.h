// Text that a program finds on its standard input.
//
// It lies in memory that nobody can change any more (memfd_create(2), sealed), so that neither the daemon nor
// the program waits for the other, whatever its size; a pipe would hold 64 KiB of it.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"

#include <string_view>

namespace procctl {

// A descriptor to read `text` from, from its beginning and then end of file; close-on-exec. Call it for each
// start anew: what has been read stays read. The memory is free when the last descriptor of it is closed.
[[nodiscard]] result<unique_fd> make_input(std::string_view text);

} // namespace procctl
