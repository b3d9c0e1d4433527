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

TEST_CASE("who may notify, though nobody is named", "[program_config]")
{
    program_config program;
    CHECK(effective_notify_access(program) == notify_access::none);
    SECTION("a type that waits for READY=1")
    {
        for (const service_type type : {service_type::notify, service_type::notify_reload}) {
            program.type = type;
            CHECK(is_notify(type));
            CHECK(effective_notify_access(program) == notify_access::main);
        }
    }
    SECTION("a watchdog")
    {
        program.watchdog = duration(1);
        CHECK(effective_notify_access(program) == notify_access::main);
    }
    SECTION("stored descriptors")
    {
        program.file_descriptor_store_max = 1;
        CHECK(effective_notify_access(program) == notify_access::main);
    }
    SECTION("what is written stays")
    {
        program.type = service_type::notify;
        for (const notify_access access : {notify_access::main, notify_access::exec, notify_access::all}) {
            program.notify = access;
            CHECK(effective_notify_access(program) == access);
        }
    }
    for (const service_type type :
         {service_type::simple, service_type::exec, service_type::forking, service_type::oneshot})
        CHECK_FALSE(is_notify(type));
}

TEST_CASE("every list of commands is its own", "[program_config]")
{
    program_config program;
    program.exec_condition = {command{{"0"}}};
    program.exec_start_pre = {command{{"1"}}};
    program.exec_start = {command{{"2"}}};
    program.exec_start_post = {command{{"3"}}};
    program.exec_reload = {command{{"4"}}};
    program.exec_stop = {command{{"5"}}};
    program.exec_stop_post = {command{{"6"}}};
    using enum exec_command;
    int n = 0;
    for (const exec_command which : {condition, start_pre, start, start_post, reload, stop, stop_post})
        CHECK(commands_of(program, which).at(0).argv.at(0) == std::to_string(n++));
}
