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

const start_process main_process{1, exec_command::start, 0};

bool has(const std::vector<std::string>& environment, const std::string& variable)
{
    return std::ranges::count(environment, variable) == 1;
}

} // namespace

TEST_CASE("a process gets its arguments with specifiers and variables expanded", "[prepare]")
{
    program_config config = worker();
    config.environment = {{"EXTRA", "-a -b"}, {"NAME", "two words"}};
    const auto request = prepare_process(make_instance(config, 3), main_process, www, host(), {}, {});
    REQUIRE(request);
    CHECK(request->argv == std::vector<std::string>{"/bin/worker", "--queue", "3", "-a", "-b", "two words"});
    CHECK(request->candidates == std::vector<std::string>{"/bin/worker"});
}

TEST_CASE("the environment is clean but for PATH, the account and the invocation", "[prepare]")
{
    const auto request = prepare_process(make_instance(worker()), main_process, www, host(), {}, {});
    REQUIRE(request);
    CHECK(request->envp.size() == 6);
    CHECK(has(request->envp, "PATH=" + std::string(default_path)));
    CHECK(has(request->envp, "HOME=/var/www"));
    CHECK(has(request->envp, "USER=www"));
    CHECK(has(request->envp, "LOGNAME=www"));
    CHECK(has(request->envp, "SHELL=/bin/sh"));
    CHECK(has(request->envp, "INVOCATION_ID=00000000000000010000000000000002"));
}

TEST_CASE("a process is told what connects it with the daemon", "[prepare]")
{
    program_config config = worker();
    config.watchdog = std::chrono::seconds(3);
    const process_connections connections{"/run/notify/worker", {"http", "stored"}};
    SECTION("the main process")
    {
        const auto request =
            prepare_process(make_instance(config), main_process, www, host(), connections, {});
        REQUIRE(request);
        CHECK(has(request->envp, "NOTIFY_SOCKET=/run/notify/worker"));
        CHECK(has(request->envp, "WATCHDOG_USEC=3000000"));
        CHECK(has(request->envp, "LISTEN_FDS=2"));
        CHECK(has(request->envp, "LISTEN_FDNAMES=http:stored"));
        CHECK(request->pid_variables ==
              std::vector<std::string>{"SYSTEMD_EXEC_PID", "LISTEN_PID", "WATCHDOG_PID"});
    }
    SECTION("a control process has its own command, and no watchdog")
    {
        config.exec_stop_post = {{{"/bin/after", "$SERVICE_RESULT"}}};
        const start_process after{2, exec_command::stop_post, 0};
        const auto request = prepare_process(make_instance(config), after, www, host(), {}, {});
        REQUIRE(request);
        CHECK(request->argv == std::vector<std::string>{"/bin/after", "success"});
        CHECK(request->pid_variables == std::vector<std::string>{"SYSTEMD_EXEC_PID"});
    }
    SECTION("a variable that the program sets for itself is its own")
    {
        config.environment = {{"WATCHDOG_PID", "1"}, {"NOTIFY_SOCKET", "/elsewhere"}};
        const auto request =
            prepare_process(make_instance(config), main_process, www, host(), connections, {});
        REQUIRE(request);
        CHECK(has(request->envp, "WATCHDOG_PID=1"));
        CHECK(has(request->envp, "NOTIFY_SOCKET=/elsewhere"));
        CHECK(std::ranges::count(request->pid_variables, "WATCHDOG_PID") == 0);
    }
}

TEST_CASE("a relative PID file is below the runtime folder", "[prepare]")
{
    program_config config = worker();
    config.pid_file = "%n.pid";
    CHECK(*pid_file_of(make_instance(config), www, host()) == "/run/worker.pid");
    config.pid_file = "/srv/%p.pid";
    CHECK(*pid_file_of(make_instance(config), www, host()) == "/srv/worker.pid");
}

TEST_CASE("a later assignment wins: account, environment, environment files", "[prepare]")
{
    program_config config = worker();
    config.environment = {{"HOME", "/srv/%p"}, {"A", "config"}};
    const auto request =
        prepare_process(make_instance(config), main_process, www, host(), {}, {{"A", "file"}, {"B", "100%"}});
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
    const auto request = prepare_process(make_instance(config), main_process, www, host(), {}, {});
    REQUIRE(request);
    CHECK(request->candidates == std::vector<std::string>{"/opt/bin/worker", "/bin/worker"});
}

TEST_CASE("the working directory", "[prepare]")
{
    program_config config = worker();
    host_facts facts = host();
    SECTION("is / for a system's program")
    {
        CHECK(prepare_process(make_instance(config), main_process, www, facts, {}, {})->working_directory ==
              "/");
    }
    SECTION("is the home folder for a user's")
    {
        facts.daemon.where = scope::user;
        CHECK(prepare_process(make_instance(config), main_process, www, facts, {}, {})->working_directory ==
              "/var/www");
    }
    SECTION("is the home folder when it is ~")
    {
        config.working_directory = "~";
        CHECK(prepare_process(make_instance(config), main_process, www, facts, {}, {})->working_directory ==
              "/var/www");
    }
    SECTION("may hold specifiers")
    {
        config.working_directory = "/srv/%p";
        CHECK(prepare_process(make_instance(config), main_process, www, facts, {}, {})->working_directory ==
              "/srv/worker");
    }
}

TEST_CASE("the log file is the instance's own unless the program says otherwise", "[prepare]")
{
    program_config config = worker();
    CHECK(*log_path_of(make_instance(config, 2), www, host()) == "/var/log/procctl/worker@2.log");
    config.log.path = "/srv/log/%p-%i.txt";
    CHECK(*log_path_of(make_instance(config, 2), www, host()) == "/srv/log/worker-2.txt");
}
