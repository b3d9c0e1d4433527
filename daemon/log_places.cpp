#include "daemon/log_places.h"

#include "daemon/helpers/helper_main.h"
#include "daemon/output/output_client.h"

#include <chrono>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procctl {
namespace {

constexpr duration limit = std::chrono::seconds(2);

// Terminals, /dev/null: no disk is behind them.
bool is_device(const std::string& path)
{
    return path.starts_with("/dev/") && !path.starts_with("/dev/shm/");
}

// What the daemon was started with may be a file. Asked without a look at the disk: the type and the device
// are known of whatever is open.
std::string place_of(int descriptor)
{
    struct statx found {};
    const bool is_file =
        ::statx(descriptor, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &found) == 0 &&
        S_ISREG(found.stx_mode);
    if (!is_file) return std::string(output_client::no_disk);
    return std::to_string(found.stx_dev_major) + ':' + std::to_string(found.stx_dev_minor);
}

} // namespace

void log_places::find(const std::string& path, answer then)
{
    if (path == "/dev/stdout") return then(place_of(STDOUT_FILENO));
    if (path == "/dev/stderr") return then(place_of(STDERR_FILENO));
    if (is_device(path)) return then(std::string(output_client::no_disk));
    const std::string folder = path.substr(0, path.find_last_of('/'));
    if (const auto found = known_.find(folder); found != known_.end()) return then(found->second);
    question& asked = asked_[folder];
    asked.asked_by.push_back(std::move(then));
    if (asked.asked_by.size() > 1) return;
    // Not among those that starts wait for: a disk that hangs holds up many of these.
    asked.helper =
        helpers_.watch(place_task(folder), limit, [this, folder](const result<std::string>& found) {
            const std::string place = found ? *found : folder;
            known_[folder] = place;
            const auto answered = asked_.extract(folder);
            for (const answer& one : answered.mapped().asked_by)
                one(place);
        });
}

} // namespace procctl
