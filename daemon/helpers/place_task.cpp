// Which file system a folder is on: found out in a helper, because the look alone may take for ever (a
// network file system whose server is gone).
#include "daemon/helpers/helper_main.h"
#include "daemon/helpers/tasks.h"

#include <iostream>

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace procctl {

std::vector<std::string> place_task(const std::string& folder) { return {"place", folder}; }

int run_place_task(std::span<const std::string> arguments)
{
    if (arguments.size() != 1) return 2;
    // One that is yet to be made will be where the last one is that exists.
    std::string folder = arguments[0];
    struct stat found {};
    while (::stat(folder.empty() ? "/" : folder.c_str(), &found) < 0) {
        if (folder.empty() || (errno != ENOENT && errno != ENOTDIR)) return 1;
        folder.erase(folder.find_last_of('/') == std::string::npos ? 0 : folder.find_last_of('/'));
    }
    std::cout << major(found.st_dev) << ':' << minor(found.st_dev) << std::flush;
    return std::cout ? 0 : 1;
}

} // namespace procctl
