#include "daemon/os/folders.h"

#include <errno.h>
#include <sys/stat.h>

namespace procctl {
namespace {

bool is_folder(const std::string& path)
{
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
}

} // namespace

result<void> make_folders(const std::string& path, mode_t mode)
{
    if (is_folder(path)) return {};
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string part = path.substr(0, end);
        // Not by mkdir's EEXIST alone: on a read-only file system it says EROFS for a folder that exists.
        if (::mkdir(part.c_str(), mode) != 0 && !is_folder(part)) {
            const int reason = errno == EEXIST ? ENOTDIR : errno;
            return make_error(reason, "cannot make the folder " + part);
        }
        if (end == std::string::npos) return {};
    }
}

} // namespace procctl
