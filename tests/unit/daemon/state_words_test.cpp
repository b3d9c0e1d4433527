#include "daemon/state_words.h"
#include "tests/support/catch.h"

using namespace procctl;
using namespace std::chrono_literals;

namespace {

struct setup {
    program_config config;
    instance_status status;

    [[nodiscard]] std::string words(sub_state from, sub_state to) const
    {
        instance i;
        i.name = "web";
        i.program = std::make_shared<const loaded_program>(loaded_program{config, {}});
        i.status = status;
        return describe_change(i, from, to).text;
    }
};

} // namespace

TEST_CASE("a change of state is one line in words", "[words]")
{
    setup s;
    using enum sub_state;
    SECTION("a start names the process")
    {
        s.status.main_pid = 42;
        CHECK(s.words(start, running) == "started, main process 42");
    }
    SECTION("an end says how")
    {
        s.status.exec_main = {exit_code_kind::exited, 0};
        CHECK(s.words(running, dead) == "exited with status 0");
    }
    SECTION("a failure names the result")
    {
        s.status.exec_main = {exit_code_kind::killed, 9};
        s.status.result = service_result::signal;
        CHECK(s.words(running, failed) == "failed (signal): killed by SIGKILL");
    }
    SECTION("a stop that took too long says so")
    {
        s.config.timeout_stop = 1s;
        s.status.result = service_result::timeout;
        CHECK(s.words(stop_sigterm, stop_sigkill) == "still there after 1s; sending SIGKILL");
    }
    SECTION("a restart says when and by which policy")
    {
        s.config.restart_sec = 5s;
        s.config.restart = restart_mode::on_failure;
        CHECK(s.words(failed, auto_restart) == "restarts in 5s (restart: on-failure)");
    }
    SECTION("the start limit says how to go on")
    {
        s.status.start_limit_refused = true;
        s.status.result = service_result::exit_code;
        CHECK(s.words(dead, failed) ==
              "failed (exit-code): start refused: started 5 times in 10s; it stays down "
              "until reset-failed or a later start");
    }
    SECTION("the moment between a restart's delay and its start is no news")
    {
        CHECK(s.words(auto_restart, dead).empty());
    }
}
