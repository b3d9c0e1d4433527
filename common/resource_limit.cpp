#include "common/resource_limit.h"

#include <algorithm>
#include <array>

#include <sys/resource.h>

namespace procctl {
namespace {

constexpr auto names = std::to_array<limit_name>({
    {"cpu", RLIMIT_CPU, limit_unit::seconds},
    {"fsize", RLIMIT_FSIZE, limit_unit::bytes},
    {"data", RLIMIT_DATA, limit_unit::bytes},
    {"stack", RLIMIT_STACK, limit_unit::bytes},
    {"core", RLIMIT_CORE, limit_unit::bytes},
    {"rss", RLIMIT_RSS, limit_unit::bytes},
    {"nofile", RLIMIT_NOFILE, limit_unit::count},
    {"as", RLIMIT_AS, limit_unit::bytes},
    {"nproc", RLIMIT_NPROC, limit_unit::count},
    {"memlock", RLIMIT_MEMLOCK, limit_unit::bytes},
    {"locks", RLIMIT_LOCKS, limit_unit::count},
    {"sigpending", RLIMIT_SIGPENDING, limit_unit::count},
    {"msgqueue", RLIMIT_MSGQUEUE, limit_unit::bytes},
    {"nice", RLIMIT_NICE, limit_unit::count},
    {"rtprio", RLIMIT_RTPRIO, limit_unit::count},
    {"rttime", RLIMIT_RTTIME, limit_unit::microseconds},
});
static_assert(names.size() == RLIMIT_NLIMITS);

} // namespace

std::span<const limit_name> limit_names() { return names; }

const limit_name* find_limit(int resource)
{
    const auto* const found = std::ranges::find(names, resource, &limit_name::resource);
    return found == names.end() ? nullptr : found;
}

} // namespace procctl
