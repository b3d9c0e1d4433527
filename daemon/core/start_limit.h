// StartLimitIntervalSec= and StartLimitBurst=: how often an instance may be started, by anyone.
//
// The window is fixed, not sliding: it opens at a start, and the next start after it has passed opens a new
// one (tests/oracle/NOTES.md section 3, "Counters and limits"). A refused start neither counts nor extends
// the window.
#pragma once

#include "common/time.h"

namespace procctl {

// All that the limit remembers: a plain value, for the snapshot.
struct start_limit_window {
    time_point begin = never; // when the window opened; never: none is open
    unsigned starts = 0;

    friend bool operator==(const start_limit_window&, const start_limit_window&) = default;
};

// Counts one start and says whether it is allowed. An interval or a burst of 0 means no limit.
[[nodiscard]] bool admit_start(start_limit_window&, duration interval, unsigned burst, time_point now);

} // namespace procctl
