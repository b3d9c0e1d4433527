#include "common/resource_limit.h"
#include "tests/support/catch.h"

#include <sys/resource.h>

using namespace procctl;

TEST_CASE("every resource of setrlimit(2) has a name of its own", "[resource_limit]")
{
    CHECK(limit_names().size() == RLIMIT_NLIMITS);
    for (int resource = 0; resource < RLIMIT_NLIMITS; ++resource) {
        CAPTURE(resource);
        REQUIRE(find_limit(resource) != nullptr);
        CHECK(find_limit(resource)->resource == resource);
    }
    CHECK(find_limit(RLIMIT_NOFILE)->key == "nofile");
    CHECK(find_limit(-1) == nullptr);
}
