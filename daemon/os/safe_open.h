// Opens files in folders that others own, without being led astray by them.
//
// A program's log may lie in a folder of the program's user, and we are root: a link that the user has put
// there must not have us write to, read, make or give away what the user could not. Who owns a link may lead
// us to what is his, or is in a folder of his; links of root and our own lead anywhere, and so do those to
// /dev/stdout, /dev/stderr and /dev/null. A file with several names is refused where somebody else may have
// given it the one that we know.
#pragma once

#include "common/unique_fd.h"

#include <string_view>

#include <sys/types.h>

namespace procctl {

struct safely_opened {
    unique_fd fd; // empty: errno_value says why; EACCES also for a link as described
    int errno_value = 0;
    bool is_new = false; // we have made it
};

// As open(2), of whose flags O_EXCL, O_DIRECTORY and O_TRUNC are not for here. With O_CREAT a file is made
// where even a link to nothing leads.
[[nodiscard]] safely_opened open_safely(std::string_view path, int flags, mode_t mode = 0);

} // namespace procctl
