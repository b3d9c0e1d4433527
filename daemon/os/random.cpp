#include "daemon/os/random.h"

#include <system_error>

#include <errno.h>
#include <sys/random.h>

namespace procctl {

std::uint64_t random_number()
{
    // So few bytes come at once or, before the kernel has gathered entropy, after a wait that a signal may
    // interrupt (getrandom(2)). Else it fails only where a filter forbids it: at start-up, so it may throw.
    std::uint64_t number = 0;
    while (::getrandom(&number, sizeof number, 0) != sizeof number)
        if (errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "cannot get random bytes");
    return number;
}

} // namespace procctl
