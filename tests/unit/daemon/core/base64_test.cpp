#include "daemon/core/base64.h"
#include "tests/support/catch.h"

using namespace procctl;

TEST_CASE("base64 both ways", "[base64]")
{
    const auto [bytes, text] = GENERATE(table<std::string, std::string>({
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {std::string("\0\xff\xfe", 3), "AP/+"},
    }));
    CHECK(to_base64(bytes) == text);
    REQUIRE(from_base64(text));
    CHECK(*from_base64(text) == bytes);
}

TEST_CASE("every byte survives base64", "[base64]")
{
    std::string bytes;
    for (int n = 0; n < 256; ++n) {
        bytes += static_cast<char>(n);
        CHECK(*from_base64(to_base64(bytes)) == bytes);
    }
}

TEST_CASE("blanks in base64 are passed over", "[base64]")
{
    CHECK(*from_base64(" Zm9v\nYg =\t=\n") == "foob");
}

TEST_CASE("what is not base64 is refused", "[base64]")
{
    const auto text = GENERATE(as<std::string>{}, "Zg", "Zg=", "Zg===", "=", "Z===", "Zg==Zg==", "Z-9v",
                               "Zm9v!", "Zg=v", "Zh==", "Zm9=");
    CAPTURE(text);
    CHECK_FALSE(from_base64(text));
}
