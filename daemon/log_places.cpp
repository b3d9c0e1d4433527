#include "daemon/log_places.h"

#include "daemon/helpers/helper_main.h"
#include "daemon/output/output_client.h"

#include <chrono>

namespace procctl {
namespace {

constexpr duration limit = std::chrono::seconds(2);

// Terminals, /dev/null, /dev/stdout: no disk is behind them.
bool is_device(const std::string& path)
{
    return path.starts_with("/dev/") && !path.starts_with("/dev/shm/");
}

} // namespace

void log_places::find(const std::string& path, answer then)
{
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
