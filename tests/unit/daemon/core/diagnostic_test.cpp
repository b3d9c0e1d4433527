#include "daemon/core/diagnostic.h"
#include "tests/support/catch.h"

using namespace procctl;

TEST_CASE("a diagnostic is one line that an editor understands", "[diagnostic]")
{
    CHECK(diagnostic{severity::error, {"/a.yaml", 4, 5}, "m"}.text() == "/a.yaml:4:5: error: m");
    CHECK(diagnostic{severity::warning, {"/a.yaml", 4, 0}, "m"}.text() == "/a.yaml:4: warning: m");
    CHECK(diagnostic{severity::warning, {"/a.yaml", 0, 0}, "m"}.text() == "/a.yaml: warning: m");
    CHECK(diagnostic{severity::error, {}, "m"}.text() == "error: m");
    CHECK_FALSE(has_errors({}));
    CHECK_FALSE(has_errors({{severity::warning, {}, "m"}}));
    CHECK(has_errors({{severity::warning, {}, "m"}, {severity::error, {}, "n"}}));
}
