#include "daemon/output/local_time.h"

#include <time.h>

namespace procctl::output {

std::chrono::seconds utc_offset(wall_time at)
{
    // Of the process, which has one thread: the streams' lines arrive in the same second.
    static time_t known_for = -1;
    static std::chrono::seconds known{0};
    const time_t second = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
    if (second == known_for) return known;
    tm parts{};
    ::tzset(); // localtime_r(3) need not look whether the zone has changed
    known = std::chrono::seconds(::localtime_r(&second, &parts) != nullptr ? parts.tm_gmtoff : 0);
    known_for = second;
    return known;
}

} // namespace procctl::output
