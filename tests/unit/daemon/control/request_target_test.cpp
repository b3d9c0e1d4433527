#include "daemon/control/request_target.h"
#include "tests/support/catch.h"

using namespace procctl;
using words = std::vector<std::string>;

TEST_CASE("a path is split and then decoded", "[request_target]")
{
    const auto target = parse_request_target("/v1/programs/worker%401/log");
    REQUIRE(target);
    CHECK(target->segments == words{"v1", "programs", "worker@1", "log"});
    CHECK(target->parameters.empty());

    CHECK(parse_request_target("/a%2Fb")->segments ==
          words{"a/b"}); // one segment: a decoded '/' does not split
    CHECK(parse_request_target("/a+b")->segments == words{"a+b"});
    CHECK(parse_request_target("/")->segments.empty());
    CHECK(parse_request_target("/v1/")->segments == words{"v1"});
}

TEST_CASE("parameters keep their order and may be repeated", "[request_target]")
{
    const auto target =
        parse_request_target("/v1/programs?pattern=web*&pattern=%40batch&wait&lines=3&lines=5");
    REQUIRE(target);
    CHECK(target->all("pattern") == words{"web*", "@batch"});
    CHECK(*target->find("lines") == "5");
    CHECK(target->find("wait")->empty());
    CHECK(target->find("follow") == nullptr);
    CHECK(parse_request_target("/?a=b+c&&")->all("a") == words{"b c"});
}

TEST_CASE("a target that is no path is refused", "[request_target]")
{
    const std::string text = GENERATE(as<std::string>{}, "", "v1", "http://host/v1", "*", "/a//b", "//", "/%",
                                      "/%4", "/%4g", "/%00", "/?a=%");
    CAPTURE(text);
    CHECK(!parse_request_target(text));
}
