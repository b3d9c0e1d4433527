#include "daemon/core/natural_order.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <vector>

using namespace procctl;

TEST_CASE("names are in the order people expect", "[natural-order]")
{
    // "a10" and "a010" are the same number: then the zeros decide, so that different names never count as
    // equal, and at once, so that the instances of w1 and of w01 do not mix.
    const std::vector<std::string> sorted{"a",
                                          "a2",
                                          "a10",
                                          "a010",
                                          "b",
                                          "w1@1",
                                          "w1@2",
                                          "w01@1",
                                          "w01@2",
                                          "worker",
                                          "worker-x",
                                          "worker@1",
                                          "worker@2",
                                          "worker@10",
                                          "worker@99999999999999999999",
                                          "worker@100000000000000000000",
                                          "workers"};
    std::vector<std::string> names = sorted;
    std::ranges::reverse(names);
    std::ranges::sort(names, natural_less{});
    CHECK(names == sorted);
    for (const auto& name : names)
        CHECK(std::is_eq(compare_naturally(name, name)));
}
