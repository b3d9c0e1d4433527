#include "daemon/os/clock.h"
#include "daemon/os/random.h"
#include "tests/support/catch.h"

using namespace procctl;

TEST_CASE("time passes, and the wall clock is the system's", "[clock]")
{
    const instant first = now();
    const auto system = std::chrono::system_clock::now();
    const instant second = now();
    CHECK(first.monotonic <= second.monotonic);
    CHECK(first.wall <= std::chrono::time_point_cast<duration>(system));
    CHECK(std::chrono::time_point_cast<duration>(system) <= second.wall);
}

TEST_CASE("random numbers differ", "[random]") { CHECK(random_number() != random_number()); }
