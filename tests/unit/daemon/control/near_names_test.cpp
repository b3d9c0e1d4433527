#include "daemon/control/near_names.h"
#include "tests/support/catch.h"

using namespace procctl;
using names = std::vector<std::string>;

TEST_CASE("a slip or two away is near", "[near_names]")
{
    const names known{"web", "worker", "worker-2", "mail", "redis"};
    CHECK(near_names("wbe", known) == names{"web"});
    CHECK(near_names("werker", known) == names{"worker"});
    CHECK(near_names("wrk", known).empty());
    CHECK(near_names("mial", known) == names{"mail"});
    CHECK(near_names("postgres", known).empty());
}

TEST_CASE("the beginning of a name is near", "[near_names]")
{
    CHECK(near_names("work", {"web", "worker", "worker-2"}) == names{"worker", "worker-2"});
    CHECK(near_names("w", {"web", "worker"}).empty());
}

TEST_CASE("no more than three names are offered, each once", "[near_names]")
{
    CHECK(near_names("job", {"job1", "job2", "job3", "job4"}).size() == 3);
    CHECK(near_names("joc", {"job", "job"}) == names{"job"});
}

TEST_CASE("nonsense has no neighbours", "[near_names]")
{
    CHECK(near_names("", {"web"}).empty());
    CHECK(near_names(std::string(100'000, 'w'), {"web"}).empty());
}
