#include "daemon/core/start_limit.h"

namespace procctl {

bool admit_start(start_limit_window& window, duration interval, unsigned burst, time_point now)
{
    if (interval == duration::zero() || burst == 0) return true;
    if (window.begin == never || now - window.begin > interval) window = {now, 0};
    if (window.starts >= burst) return false;
    ++window.starts;
    return true;
}

} // namespace procctl
