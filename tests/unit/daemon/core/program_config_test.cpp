#include "daemon/core/program_config.h"
#include "tests/support/catch.h"

using namespace procctl;

TEST_CASE("a program without instances has one of its own name", "[program_config]")
{
    program_config program;
    program.name = "worker";
    CHECK(instance_count(program) == 1);
    CHECK(instance_name_of(program, 1) == "worker");
    program.instances = 1;
    CHECK(instance_count(program) == 1);
    CHECK(instance_name_of(program, 1) == "worker@1");
    program.instances = 12;
    CHECK(instance_count(program) == 12);
    CHECK(instance_name_of(program, 12) == "worker@12");
}
