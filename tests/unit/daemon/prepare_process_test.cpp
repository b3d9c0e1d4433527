#include "daemon/prepare_process.h"
#include "tests/support/catch.h"

#include <algorithm>

using namespace procctl;

namespace {

instance make_instance(program_config config, unsigned number = 0)
{
    instance i;
    i.number = number;
    i.name = number == 0 ? config.name : config.name + '@' + std::to_string(number);
    i.program = std::make_shared<const loaded_program>(loaded_program{std::move(config), {}});
    i.status.invocation = {1, 2};
    return i;
}

program_config worker()
{
    program_config config;
    config.name = "worker";
    config.exec_start = {{{"/bin/worker", "--queue", "%i", "$EXTRA", "${NAME}"}, false, true}};
    return config;
}

const identity www{.uid = 33,
                   .gid = 33,
                   .groups = {33},
                   .user = "www",
                   .home = "/var/www",
                   .shell = "/bin/sh",
                   .changes_user = true};

host_facts host()
{
    host_facts facts;
    facts.daemon.runtime_dir = "/run";
    facts.daemon.log_dir = "/var/log/procctl";
    facts.host = "box";
    return facts;
}

bool has(const std::vector<std::string>& environment, const std::string& variable)
{
    return std::ranges::count(environment, variable) == 1;
}

} // namespace

TEST_CASE("a process gets its arguments with specifiers and variables expanded", "[prepare]")
{
    program_config config = worker();
    config.environment = {{"EXTRA", "-a -b"}, {"NAME", "two words"}};
    const auto request = prepare_process(make_instance(config, 3), 0, www, host(), {});
    REQUIRE(request);
    CHECK(request->argv == std::vector<std::string>{"/bin/worker", "--queue", "3", "-a", "-b", "two words"});
    CHECK(request->candidates == std::vector<std::string>{"/bin/worker"});
}

TEST_CASE("the environment is clean but for PATH, the account and the invocation", "[prepare]")
{
    const auto request = prepare_process(make_instance(worker()), 0, www, host(), {});
    REQUIRE(request);
    CHECK(request->envp.size() == 6);
    CHECK(has(request->envp, "PATH=" + std::string(default_path)));
    CHECK(has(request->envp, "HOME=/var/www"));
    CHECK(has(request->envp, "USER=www"));
    CHECK(has(request->envp, "LOGNAME=www"));
    CHECK(has(request->envp, "SHELL=/bin/sh"));
    CHECK(has(request->envp, "INVOCATION_ID=00000000000000010000000000000002"));
}

TEST_CASE("a later assignment wins: account, environment, environment files", "[prepare]")
{
    program_config config = worker();
    config.environment = {{"HOME", "/srv/%p"}, {"A", "config"}};
    const auto request =
        prepare_process(make_instance(config), 0, www, host(), {{"A", "file"}, {"B", "100%"}});
    REQUIRE(request);
    CHECK(has(request->envp, "HOME=/srv/worker"));
    CHECK(has(request->envp, "A=file"));
    CHECK(has(request->envp, "B=100%")); // what comes from a file is not searched for specifiers
}

TEST_CASE("a command without a slash is looked up on the program's own PATH", "[prepare]")
{
    program_config config = worker();
    config.exec_start[0].argv = {"worker"};
    config.environment = {{"PATH", "/opt/bin:/bin"}};
    const auto request = prepare_process(make_instance(config), 0, www, host(), {});
    REQUIRE(request);
    CHECK(request->candidates == std::vector<std::string>{"/opt/bin/worker", "/bin/worker"});
}

TEST_CASE("the working directory", "[prepare]")
{
    program_config config = worker();
    host_facts facts = host();
    SECTION("is / for a system's program")
    {
        CHECK(prepare_process(make_instance(config), 0, www, facts, {})->working_directory == "/");
    }
    SECTION("is the home folder for a user's")
    {
        facts.daemon.where = scope::user;
        CHECK(prepare_process(make_instance(config), 0, www, facts, {})->working_directory == "/var/www");
    }
    SECTION("is the home folder when it is ~")
    {
        config.working_directory = "~";
        CHECK(prepare_process(make_instance(config), 0, www, facts, {})->working_directory == "/var/www");
    }
    SECTION("may hold specifiers")
    {
        config.working_directory = "/srv/%p";
        CHECK(prepare_process(make_instance(config), 0, www, facts, {})->working_directory == "/srv/worker");
    }
}

TEST_CASE("the log file is the instance's own unless the program says otherwise", "[prepare]")
{
    program_config config = worker();
    CHECK(*log_path_of(make_instance(config, 2), www, host()) == "/var/log/procctl/worker@2.log");
    config.log_path = "/srv/log/%p-%i.txt";
    CHECK(*log_path_of(make_instance(config, 2), www, host()) == "/srv/log/worker-2.txt");
}
