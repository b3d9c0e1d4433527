// What one instance means for others: on_failure and on_success; and the requests that the supervisor makes
// others of.
#include "tests/support/fleet.h"

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;

namespace {

constexpr process_end by_signal{exit_code_kind::killed, SIGSEGV};

loaded_program lazy(const std::string& name, unsigned instances = 0)
{
    loaded_program p = program(name, instances);
    p.config.autostart = false;
    p.config.restart = restart_mode::no;
    return p;
}

loaded_program crashing(const std::string& name, names on_failure, names on_success = {})
{
    loaded_program p = program(name);
    p.config.restart = restart_mode::no;
    p.config.on_failure = std::move(on_failure);
    p.config.on_success = std::move(on_success);
    return p;
}

} // namespace

TEST_CASE("on_failure starts others, and tells them why", "[supervisor][trigger]")
{
    fleet f;
    f.apply({crashing("web", {"mailer"}, {"cleaner"}), lazy("mailer"), lazy("cleaner")});
    const invocation_id run = f.status("web").invocation;
    f.ends("web", by_signal);
    CHECK(f.state("web") == sub_state::failed);
    CHECK(f.state("mailer") == sub_state::running);
    CHECK(f.state("cleaner") == sub_state::dead);
    const auto& why = f.status("mailer").monitored;
    REQUIRE(why);
    CHECK(why->unit == "web");
    CHECK(why->result == service_result::signal);
    CHECK(why->exec_main == by_signal);
    CHECK(why->invocation == run);
    SECTION("the next start of its own has another reason")
    {
        f.ends("mailer", exit_0);
        f.request("mailer", job_kind::start);
        CHECK_FALSE(f.status("mailer").monitored);
    }
    SECTION("on_success likewise")
    {
        f.request("web", job_kind::start);
        f.ends("web", exit_0);
        CHECK(f.state("cleaner") == sub_state::running);
        CHECK(f.status("cleaner").monitored->result == service_result::success);
    }
    SECTION("one that is up is left alone")
    {
        const invocation_id first = f.status("mailer").invocation;
        f.request("web", job_kind::start);
        f.ends("web", by_signal);
        CHECK(f.status("mailer").invocation == first);
    }
}

TEST_CASE("a program that is named stands for all its instances, an instance for itself",
          "[supervisor][trigger]")
{
    fleet f;
    f.apply({crashing("web", {"mailer"}), crashing("db", {"mailer@2"}), lazy("mailer", 3), lazy("mailer-2")});
    SECTION("all")
    {
        f.ends("web", exit_1);
        for (const char* name : {"mailer@1", "mailer@2", "mailer@3"})
            CHECK(f.state(name) == sub_state::running);
    }
    SECTION("one")
    {
        f.ends("db", exit_1);
        CHECK(f.state("mailer@1") == sub_state::dead);
        CHECK(f.state("mailer@2") == sub_state::running);
    }
    CHECK(f.state("mailer-2") == sub_state::dead);
}

TEST_CASE("whom nobody knows is nobody", "[supervisor][trigger]")
{
    fleet f;
    f.apply({crashing("web", {"nobody", "mailer"}), lazy("mailer")});
    f.ends("web", exit_1);
    CHECK(f.state("mailer") == sub_state::running);
}

TEST_CASE("one end leads to another: chains and circles", "[supervisor][trigger]")
{
    fleet f;
    f.apply({crashing("a", {"b"}), crashing("b", {"c"}), crashing("c", {"a"})});
    f.ends("a", exit_1);
    f.ends("b", exit_1); // which has been up: nothing was to be done for a
    CHECK(f.state("c") == sub_state::running);
    f.ends("c", exit_1);
    CHECK(f.state("a") == sub_state::running);
    CHECK(f.status("a").monitored->unit == "c");
    SECTION("until the start limit ends it")
    {
        for (int n = 0; n < 40; ++n)
            for (const char* name : {"a", "b", "c"})
                if (f.state(name) == sub_state::running) f.ends(name, exit_1);
        for (const char* name : {"a", "b", "c"})
            CHECK(f.state(name) == sub_state::failed);
    }
}

TEST_CASE("starts that fail at once: the chain goes on within one event", "[supervisor][trigger]")
{
    fleet f;
    std::vector<loaded_program> all;
    for (int n = 0; n < 100; ++n) {
        all.push_back(crashing("p" + std::to_string(n), {"p" + std::to_string((n + 1) % 100)}));
        all.back().config.autostart = false;
        all.back().config.start_limit_burst = 1;
    }
    f.apply(all);
    const auto start_and_crash = [&] {
        f.request("p0", job_kind::start);
        for (int n = 0; n < 100; ++n)
            f.ends("p" + std::to_string(n), exit_1);
    };
    start_and_crash();
    CHECK(f.status("p99").result == service_result::exit_code);
    CHECK(f.status("p0").start_limit_refused); // p99 would have started it again
    f.log.clear();
    f.request("p50", job_kind::start); // refused, and failed already: nothing follows
    CHECK(f.log == names{"p50: finish_job start start-limit-hit"});
}

TEST_CASE("nobody is triggered while the daemon ends, nor one that is on its way out",
          "[supervisor][trigger]")
{
    fleet f;
    const loaded_program web = crashing("web", {"mailer"}, {"mailer"});
    loaded_program mailer = lazy("mailer");
    f.apply({web, mailer});
    SECTION("shutting down")
    {
        f.obey(f.programs.shut_down(f.now));
        f.ends("web", exit_1);
        CHECK(f.state("mailer") == sub_state::dead);
        CHECK(f.programs.is_all_down());
    }
    SECTION("removed")
    {
        f.request("mailer", job_kind::start);
        f.apply({web});
        REQUIRE(f.programs.find("mailer")->removed);
        f.ends("web", exit_1);
        f.ends("mailer", exit_0);
        CHECK(f.programs.find("mailer") == nullptr);
    }
    SECTION("two that go together")
    {
        f.apply({});
        f.ends("web", exit_0);
        CHECK(f.programs.size() == 0);
        CHECK_FALSE(f.logged("mailer: start_process exec_start"));
    }
}

TEST_CASE("a triggered start waits for its path conditions like any other", "[supervisor][trigger]")
{
    fleet f;
    loaded_program mailer = lazy("mailer");
    mailer.config.condition_path_exists = {{"/run/x"}};
    f.apply({crashing("web", {"mailer"}), mailer});
    f.ends("web", exit_1);
    CHECK(f.logged("mailer: check_conditions"));
    CHECK_FALSE(f.programs.is_all_down());
    const bool holds = GENERATE(false, true);
    f.tell("mailer", conditions_checked{f.status("mailer").check_serial, holds, true});
    CHECK(f.state("mailer") == (holds ? sub_state::running : sub_state::dead));
    if (holds) CHECK(f.status("mailer").monitored->unit == "web");
}

TEST_CASE("the names are those of the configuration that ran", "[supervisor][trigger]")
{
    fleet f;
    f.apply({crashing("web", {"old"}), lazy("old"), lazy("new")});
    f.apply({crashing("web", {"new"}), lazy("old"), lazy("new")}); // restarts it
    f.ends("web", exit_1);
    CHECK(f.state("old") == sub_state::running);
    CHECK(f.state("new") == sub_state::dead);
    f.ends("web", exit_1);
    CHECK(f.state("new") == sub_state::running);
}

TEST_CASE("try-restart restarts what is up, and only that", "[supervisor][job]")
{
    fleet f;
    f.apply({program("web"), lazy("down")});
    CHECK(f.outcomes.at(f.request("down", job_kind::try_restart)) == job_outcome::done);
    CHECK(f.state("down") == sub_state::dead);

    const invocation_id first = f.status("web").invocation;
    const job_id job = f.request("web", job_kind::try_restart);
    CHECK_FALSE(f.outcomes.contains(job));
    f.ends("web", exit_0);
    CHECK(f.outcomes.at(job) == job_outcome::done);
    CHECK(f.status("web").invocation != first);

    SECTION("what waits for its restart counts as up")
    {
        f.ends("web", exit_1);
        REQUIRE(f.state("web") == sub_state::auto_restart);
        CHECK(f.outcomes.at(f.request("web", job_kind::try_restart)) == job_outcome::done);
        CHECK(f.state("web") == sub_state::running);
    }
    SECTION("what is stopping stays on its way")
    {
        f.request("web", job_kind::stop);
        CHECK(f.outcomes.at(f.request("web", job_kind::try_restart)) == job_outcome::done);
        f.ends("web", exit_0);
        CHECK(f.state("web") == sub_state::dead);
    }
}

TEST_CASE("reload through the supervisor", "[supervisor][job]")
{
    fleet f;
    loaded_program web = program("web");
    web.config.exec_reload = {{{"/bin/reload"}}};
    f.apply({web, program("deaf")});
    CHECK(f.outcomes.at(f.request("deaf", job_kind::reload)) == job_outcome::unsupported);
    const job_id first = f.request("web", job_kind::reload);
    const job_id second = f.request("web", job_kind::reload);
    CHECK(f.state("web") == sub_state::reload);
    const auto command_ends = [&](process_end end) {
        f.tell("web", process_exited{f.status("web").control_serial, end, true});
    };
    command_ends(exit_0);
    CHECK_FALSE(f.outcomes.contains(second));
    command_ends(exit_1);
    CHECK(f.outcomes.contains(first));
    CHECK(f.outcomes.at(second) == job_outcome::failed);
    CHECK(f.state("web") == sub_state::running);
}

TEST_CASE("what is due at the same time is done in the order of the names", "[supervisor]")
{
    fleet f;
    f.apply({program("b"), program("c"), program("a", 11)});
    for (const char* name : {"c", "a@10", "b", "a@2"})
        f.ends(name, exit_1);
    f.log.clear();
    f.wait(100ms);
    names restarted;
    for (const std::string& line : f.log)
        if (line.ends_with("announce_state dead")) restarted.push_back(line.substr(0, line.find(':')));
    CHECK(restarted == names{"a@2", "a@10", "b", "c"});
}
