#include "tests/support/fleet.h"

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

TEST_CASE("a program is started, crashes and comes back", "[supervisor]")
{
    fleet f;
    f.apply({program("web")});
    CHECK(f.log == names{"web: added", "web: start_process exec_start", "web: announce_state running",
                         "web: finish_job start done"});
    f.ends("web", exit_1);
    CHECK(f.state("web") == sub_state::auto_restart);
    CHECK(f.programs.next_deadline() == f.now.monotonic + 100ms);
    CHECK_FALSE(f.programs.is_all_down());
    f.wait(99ms);
    CHECK(f.state("web") == sub_state::auto_restart);
    f.wait(1ms);
    CHECK(f.state("web") == sub_state::running);
    CHECK(f.programs.find("web")->status.n_restarts == 1);
    CHECK(f.programs.next_deadline() == never);
}

TEST_CASE("with restart_sec 0 a restart is due at once", "[supervisor]")
{
    fleet f;
    loaded_program eager = program("eager");
    eager.config.restart_sec = 0s;
    eager.config.start_limit_burst = 0;
    f.apply({eager});
    for (int i = 0; i < 100; ++i) {
        f.ends("eager", exit_1);
        CHECK(f.programs.next_deadline() == f.now.monotonic);
        f.wait(0s);
        CHECK(f.state("eager") == sub_state::running);
    }
    CHECK(f.programs.find("eager")->status.n_restarts == 100);
}

TEST_CASE("every run has an invocation id of its own", "[supervisor]")
{
    fleet f;
    f.apply({program("a"), program("b")});
    const std::string a = f.programs.find("a")->status.invocation.text();
    CHECK(a == "000000000000002a0000000000000001");
    CHECK(f.programs.find("b")->status.invocation.text() == "000000000000002a0000000000000002");
    f.request("a", job_kind::restart);
    f.ends("a", exit_0);
    CHECK(f.programs.find("a")->status.invocation.text() == "000000000000002a0000000000000003");
}

TEST_CASE("a change of the configuration touches only what has changed", "[supervisor][configuration]")
{
    fleet f;
    loaded_program lazy = program("lazy");
    lazy.config.autostart = false;
    const std::vector<loaded_program> first{program("web"), program("db"), lazy};
    CHECK(f.programs.plan(first).start == names{"db", "web"});
    CHECK(f.programs.plan(first).add == names{"lazy"});
    f.apply(first);
    CHECK(f.programs.plan(first).empty());
    CHECK(f.state("lazy") == sub_state::dead);
    f.log.clear();

    SECTION("moved in its file: nothing happens, but the new place is known")
    {
        std::vector<loaded_program> moved = first;
        moved[0].where.line = 99;
        CHECK(f.programs.plan(moved).empty());
        f.apply(moved);
        CHECK(f.log.empty());
        CHECK(f.programs.find("web")->program->where.line == 99);
    }
    SECTION("changed and up: restarted, with the new configuration")
    {
        std::vector<loaded_program> changed = first;
        changed[0].config.exec_start[0].argv[0] = "/bin/new";
        CHECK(f.programs.plan(changed).restart == names{"web"});
        f.apply(changed);
        CHECK(f.state("web") == sub_state::stop_sigterm);
        CHECK(f.programs.find("web")->program->config.exec_start[0].argv[0] == "/bin/web");
        CHECK(f.programs.plan(changed).empty());
        f.ends("web", {exit_code_kind::killed, SIGTERM});
        CHECK(f.state("web") == sub_state::running);
        CHECK(f.programs.find("web")->program->config.exec_start[0].argv[0] == "/bin/new");
        CHECK(f.programs.find("web")->next_program == nullptr);
        CHECK(f.state("db") == sub_state::running);
    }
    SECTION("changed while somebody's stop is under way: it stays down, and runs the new one next time")
    {
        std::vector<loaded_program> changed = first;
        changed[0].config.exec_start[0].argv[0] = "/bin/new";
        const job_id stop = f.request("web", job_kind::stop);
        CHECK(f.programs.plan(changed).restart.empty());
        CHECK(f.programs.plan(changed).replace == names{"web"});
        f.apply(changed);
        f.ends("web", {exit_code_kind::killed, SIGTERM});
        CHECK(f.outcomes.at(stop) == job_outcome::done);
        CHECK(f.state("web") == sub_state::dead);
        CHECK(f.programs.find("web")->program->config.exec_start[0].argv[0] == "/bin/new");
    }
    SECTION("changed while it waits for its restart: restarted at once")
    {
        f.ends("web", exit_1);
        std::vector<loaded_program> changed = first;
        changed[0].config.restart_sec = 1h;
        CHECK(f.programs.plan(changed).restart == names{"web"});
        f.apply(changed);
        CHECK(f.state("web") == sub_state::running);
        CHECK(f.programs.find("web")->program->config.restart_sec == 1h);
    }
    SECTION("changed back before the restart is done: the old configuration it is")
    {
        std::vector<loaded_program> changed = first;
        changed[0].config.umask = 077;
        f.apply(changed);
        f.apply(first);
        f.ends("web", exit_0);
        CHECK(f.state("web") == sub_state::running);
        CHECK(f.programs.find("web")->program->config.umask == 022);
        CHECK(f.programs.plan(first).empty());
    }
    SECTION("changed and down: the new configuration counts at the next start")
    {
        std::vector<loaded_program> changed = first;
        changed[2].config.umask = 077;
        CHECK(f.programs.plan(changed).replace == names{"lazy"});
        f.apply(changed);
        CHECK(f.log.empty());
        CHECK(f.programs.find("lazy")->program->config.umask == 077);
    }
    SECTION("gone: stopped, and forgotten once it is down")
    {
        const std::vector<loaded_program> fewer{first[1]};
        CHECK(f.programs.plan(fewer).stop == names{"web"});
        CHECK(f.programs.plan(fewer).remove == names{"lazy"});
        f.apply(fewer);
        CHECK(f.logged("lazy: removed"));
        REQUIRE(f.programs.find("web") != nullptr);
        CHECK(f.programs.find("web")->removed);
        CHECK(f.programs.plan(fewer).empty());

        const job_id refused = f.request("web", job_kind::start);
        CHECK(f.outcomes.at(refused) == job_outcome::canceled);
        const job_id stopped = f.request("web", job_kind::stop);
        CHECK_FALSE(f.outcomes.contains(stopped));
        f.ends("web", exit_0);
        CHECK(f.outcomes.at(stopped) == job_outcome::done);
        CHECK(f.log.back() == "web: removed");
        CHECK(f.programs.find("web") == nullptr);
        CHECK(f.matching("all") == names{"db"});
    }
    SECTION("gone and there again while it stops: it comes back, with its new configuration")
    {
        f.apply({first[1], first[2]});
        std::vector<loaded_program> again = first;
        again[0].config.umask = 077;
        CHECK(f.programs.plan(again).start == names{"web"});
        f.apply(again);
        CHECK_FALSE(f.programs.find("web")->removed);
        f.ends("web", exit_0);
        CHECK(f.state("web") == sub_state::running);
        CHECK(f.programs.find("web")->program->config.umask == 077);
        CHECK(f.programs.plan(again).empty());
    }
}

TEST_CASE("another number of instances only adds or removes instances", "[supervisor][configuration]")
{
    fleet f;
    f.apply({program("worker", 2)});
    const auto first = f.programs.find("worker@1")->status;
    f.log.clear();

    f.apply({program("worker", 11)});
    CHECK(f.programs.find("worker@1")->status == first);
    CHECK(f.matching("worker").size() == 11);
    CHECK(f.matching("worker")[1] == "worker@2"); // and not worker@10
    CHECK(f.programs.find("worker@11")->number == 11);

    CHECK(f.programs.plan(std::vector{program("worker", 1)}).stop.size() == 10);
    f.apply({program("worker", 1)});
    for (unsigned n = 2; n <= 11; ++n)
        f.ends("worker@" + std::to_string(n), exit_0);
    CHECK(f.programs.find("worker@1")->status == first);
    CHECK(f.programs.size() == 1);
}

TEST_CASE("every request is answered exactly once", "[supervisor][job]")
{
    fleet f;
    loaded_program lazy = program("lazy");
    lazy.config.autostart = false;
    f.apply({lazy});

    const job_id start = f.request("lazy", job_kind::start);
    CHECK(f.outcomes.at(start) == job_outcome::done);
    CHECK(f.outcomes.at(f.request("lazy", job_kind::start)) == job_outcome::done);

    const job_id stop = f.request("lazy", job_kind::stop);
    const job_id stop_too = f.request("lazy", job_kind::stop);
    const job_id start_then = f.request("lazy", job_kind::start);
    CHECK_FALSE(f.outcomes.contains(stop));
    f.ends("lazy", exit_0);
    CHECK(f.outcomes.at(stop) == job_outcome::done);
    CHECK(f.outcomes.at(stop_too) == job_outcome::done);
    CHECK(f.outcomes.at(start_then) == job_outcome::done);
    CHECK(f.state("lazy") == sub_state::running);

    const job_id restart = f.request("lazy", job_kind::restart);
    const job_id stop_after_all = f.request("lazy", job_kind::stop);
    CHECK(f.outcomes.at(restart) == job_outcome::canceled);
    f.ends("lazy", exit_0);
    CHECK(f.outcomes.at(stop_after_all) == job_outcome::done);
    CHECK(f.state("lazy") == sub_state::dead);

    orders out;
    const job_id nobody = f.programs.request(77, job_kind::start, f.now, out);
    f.obey(out);
    CHECK(f.outcomes.at(nobody) == job_outcome::canceled);
}

TEST_CASE("a restart that the start limit refuses leaves it stopped and failed", "[supervisor][job]")
{
    fleet f;
    loaded_program web = program("web");
    web.config.start_limit_burst = 1;
    f.apply({web});
    const job_id restart = f.request("web", job_kind::restart);
    f.ends("web", exit_0);
    CHECK(f.outcomes.at(restart) == job_outcome::start_limit_hit);
    CHECK(f.state("web") == sub_state::failed);
    CHECK(f.programs.find("web")->status.result == service_result::start_limit_hit);

    f.obey(f.programs.reset_failed(f.programs.find("web")->id, f.now));
    CHECK(f.state("web") == sub_state::dead);
    CHECK(f.outcomes.at(f.request("web", job_kind::start)) == job_outcome::done);
}

TEST_CASE("kill reaches the processes that are there", "[supervisor]")
{
    fleet f;
    f.apply({program("web")});
    const instance_id web = f.programs.find("web")->id;
    const auto kill = [&](signal_scope scope) {
        f.log.clear();
        f.obey(f.programs.kill(web, SIGUSR1, scope));
        return f.log;
    };
    CHECK(kill(signal_scope::all) == names{"web: send_signal SIGUSR1 all"});
    CHECK(kill(signal_scope::main) == names{"web: send_signal SIGUSR1 main"});
    f.ends("web", exit_1, true);
    CHECK(kill(signal_scope::all) == names{"web: send_signal SIGUSR1 all"});
    CHECK(kill(signal_scope::main).empty());
    f.obey(f.programs.on(web, processes_gone{}, f.now));
    CHECK(kill(signal_scope::all).empty());
}

TEST_CASE("names, programs, globs and tags", "[supervisor][match]")
{
    fleet f;
    loaded_program batch = program("batch");
    batch.config.tags = {"night", "slow"};
    loaded_program worker = program("worker", 12);
    worker.config.tags = {"slow"};
    f.apply({batch, worker, program("worker-x"), program("workers")});
    CHECK(f.matching("batch") == names{"batch"});
    CHECK(f.matching("worker@10") == names{"worker@10"});
    CHECK(f.matching("worker").size() == 12);
    CHECK(f.matching("worker")[9] == "worker@10");
    CHECK(f.matching("worker@1?") == names{"worker@10", "worker@11", "worker@12"});
    CHECK(f.matching("work*").size() == 14);
    CHECK(f.matching("w?rker").size() == 12); // by the program's name
    CHECK(f.matching("@night") == names{"batch"});
    CHECK(f.matching("@slow").size() == 13);
    CHECK(f.matching("all").size() == 15);
    CHECK(f.matching("nobody").empty());
    CHECK(f.matching("worker@").empty());
    CHECK(f.matching("@").empty());
    CHECK(f.matching("").empty());
}

TEST_CASE("shutting down stops everything, and nothing starts any more", "[supervisor]")
{
    fleet f;
    f.apply({program("stubborn"), program("crashed"), program("web")});
    f.ends("crashed", exit_1);
    const job_id restart = f.request("web", job_kind::restart);
    f.obey(f.programs.shut_down(f.now));
    CHECK(f.programs.is_shutting_down());
    CHECK(f.programs.shut_down(f.now).empty());
    CHECK(f.outcomes.at(restart) == job_outcome::canceled);
    CHECK(f.state("crashed") == sub_state::dead);
    CHECK(f.outcomes.at(f.request("crashed", job_kind::start)) == job_outcome::canceled);
    f.apply({program("late")});
    CHECK(f.programs.find("late") == nullptr);

    f.ends("web", exit_1);
    CHECK(f.state("web") == sub_state::failed);
    CHECK_FALSE(f.programs.is_all_down());
    f.log.clear();
    f.obey(f.programs.hurry(f.now));
    CHECK(f.log == names{"stubborn: send_signal SIGKILL all", "stubborn: announce_state stop-sigkill"});
    f.ends("stubborn", {exit_code_kind::killed, SIGKILL});
    CHECK(f.programs.is_all_down());
    CHECK(f.programs.next_deadline() == never);
}

TEST_CASE("what is unknown is answered with nothing", "[supervisor]")
{
    fleet f;
    CHECK(f.programs.on(5, time_passed{}, f.now).empty());
    CHECK(f.programs.kill(5, SIGTERM, signal_scope::all).empty());
    CHECK(f.programs.reset_failed(5, f.now).empty());
    CHECK(f.programs.find(5) == nullptr);
    CHECK(f.programs.find("web") == nullptr);
    CHECK(f.programs.on_time(f.now).empty());
    CHECK(f.programs.is_all_down());
}
