#include "daemon/core/config_value.h"
#include "tests/support/catch.h"

using namespace procctl;

TEST_CASE("values of a map are found by key", "[config_value]")
{
    config_value map;
    map.type = config_value::kind::map;
    map.entries.emplace_back(config_value::scalar("a"), config_value::scalar("1"));
    REQUIRE(map.find("a") != nullptr);
    CHECK(map.find("a")->text == "1");
    CHECK(map.find("b") == nullptr);
    CHECK(config_value{}.find("a") == nullptr);
}

TEST_CASE("positions do not count when values are compared", "[config_value]")
{
    config_value a = config_value::list({"x", "y"});
    config_value b = a;
    b.line = b.items[0].column = 7;
    CHECK(same_value(a, b));
    b.items[1].text = "z";
    CHECK_FALSE(same_value(a, b));
    CHECK_FALSE(same_value(config_value{}, config_value::scalar("")));
    CHECK_FALSE(same_value(config_value::list({"x"}), config_value::list({"x", "x"})));
}

TEST_CASE("the canonical JSON", "[config_value]")
{
    const std::string json =
        GENERATE(as<std::string>{}, "null", R"("")", R"("a\"b\\\n\u0001")", "[]", R"(["a","b"])",
                 R"([["a",null],{"k":"v"}])", R"({"a":"1","b":{"c":["d"]}})");
    CAPTURE(json);
    const auto read = config_value_from_json(json);
    REQUIRE(read);
    CHECK(to_json(*read) == json);
}

TEST_CASE("what to_json does not write is refused", "[config_value]")
{
    const std::string json = GENERATE(as<std::string>{}, "", "1", "true", "[1]", R"({"a":false})", "\"", "[",
                                      "nul", "\"\xff\"", "[] []", std::string(40, '['));
    CAPTURE(json);
    CHECK_FALSE(config_value_from_json(json));
}
