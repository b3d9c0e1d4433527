#include "daemon/core/start_limit.h"
#include "tests/support/catch.h"

using namespace procctl;
using namespace std::chrono_literals;

namespace {

struct limited_starts {
    duration interval;
    unsigned burst;
    start_limit_window window{};

    bool at(duration since_boot) { return admit_start(window, interval, burst, time_point{} + since_boot); }
};

} // namespace

TEST_CASE("the window is fixed, not sliding", "[start-limit]")
{
    limited_starts starts{2s, 3}; // S34: a sliding window would refuse the start at 2.3 s
    for (const duration t : {0ms, 1600ms, 1800ms, 2200ms, 2300ms, 2400ms}) {
        CAPTURE(t.count());
        CHECK(starts.at(t));
    }
    CHECK_FALSE(starts.at(2500ms));
}

TEST_CASE("a refused start neither counts nor extends the window", "[start-limit]")
{
    limited_starts starts{1500ms, 2}; // S35
    CHECK(starts.at(0ms));
    CHECK(starts.at(100ms));
    CHECK_FALSE(starts.at(200ms));
    CHECK_FALSE(starts.at(800ms));
    CHECK_FALSE(starts.at(1300ms));
    CHECK(starts.at(1800ms));
    CHECK(starts.at(1900ms));
    CHECK_FALSE(starts.at(2s));
}

TEST_CASE("the window still holds at its very end", "[start-limit]")
{
    limited_starts starts{1s, 1};
    CHECK(starts.at(0s));
    CHECK_FALSE(starts.at(1s));
    CHECK(starts.at(1s + 1us));
}

TEST_CASE("an interval or a burst of 0 means no limit, infinity a window that never ends", "[start-limit]")
{
    limited_starts no_interval{0s, 1};
    limited_starts no_burst{10s, 0};
    limited_starts for_ever{infinity, 1};
    CHECK(for_ever.at(0s));
    for (int i = 0; i < 10; ++i) {
        CHECK(no_interval.at(0s));
        CHECK(no_burst.at(0s));
        CHECK_FALSE(for_ever.at(24h * 365 * 100));
    }
}
