// Explanations of what the state machine itself has come to: that the words fit the status it really leaves.

#include "daemon/control/explanation.h"
#include "tests/support/catch.h"
#include "tests/unit/daemon/control/fake_backend.h"

#include <signal.h>

using namespace procctl;
using namespace std::chrono_literals;

namespace {

struct run {
    fake_backend daemon;

    explicit run(program_config config)
    {
        config.name = "web";
        config.restart = restart_mode::no;
        daemon.signals_end_processes = false;
        daemon.load({std::move(config)});
    }
    [[nodiscard]] const instance& who() const { return *daemon.programs().find("web"); }
    [[nodiscard]] const instance_status& status() const { return who().status; }
    [[nodiscard]] std::string text() const { return explain(who(), daemon.note_, daemon.time); }

    void tell(const event& e) { daemon.carry_out(daemon.supervisor_.on(who().id, e, daemon.time)); }
    void control_ends(process_end how) { tell(process_exited{status().control_serial, how, false}); }
    void main_ends(process_end how) { tell(process_exited{status().main_serial, how, false}); }
    void pass(duration d)
    {
        daemon.time.monotonic += d;
        daemon.carry_out(daemon.supervisor_.on_time(daemon.time));
    }
    void say(int pid, notify_message message)
    {
        notified said;
        said.pid = pid;
        said.is_member = true;
        said.message = std::move(message);
        tell(said);
    }
    void ask(job_kind kind)
    {
        orders out;
        daemon.supervisor_.request(who().id, kind, daemon.time, out);
        daemon.carry_out(out);
    }
};

constexpr process_end exit_of(int code) { return {exit_code_kind::exited, code}; }
constexpr process_end kill_by(int signal) { return {exit_code_kind::killed, signal}; }
command named(const std::string& file) { return {.argv = {file}}; }

const std::string stays = "; with `restart: no` it stays down. `procctl start web` starts it";

} // namespace

TEST_CASE("a run whose exec_start_pre fails", "[explanation]")
{
    program_config config;
    config.exec_start_pre = {named("/a"), named("/b")};
    run r(config);
    CHECK(r.text() == "about to start: exec_start_pre (command 1 of 2) is running first; timeout_start_sec "
                      "leaves it 1min 30s");
    r.control_ends(exit_of(0));
    r.control_ends(exit_of(1));
    CHECK(r.text() == "exec_start_pre exited with status 1 (command 2 of 2)" + stays + " again");
}

TEST_CASE("a run whose exec_start_pre hangs", "[explanation]")
{
    program_config config;
    config.exec_start_pre = {named("/a")};
    run r(config);
    r.pass(90s);
    CHECK(r.text() == "stopping because exec_start_pre did not finish within timeout_start_sec (1min 30s): "
                      "SIGTERM was sent; SIGKILL follows in 1min 30s unless it ends before");
    r.control_ends(kill_by(SIGTERM));
    CHECK(r.text().starts_with("exec_start_pre did not finish within timeout_start_sec (1min 30s)"));
}

TEST_CASE("a run that its exec_condition skips", "[explanation]")
{
    program_config config;
    config.exec_condition = {named("/a")};
    run r(config);
    r.control_ends(exit_of(1));
    CHECK(r.text() == "skipped, because exec_condition said no: exec_condition exited with status 1. "
                      "`procctl start web` asks again");
}

TEST_CASE("a run that never becomes ready", "[explanation]")
{
    program_config config;
    config.type = service_type::notify;
    run r(config);
    r.say(77, {.state = notify_state::ready});
    CHECK(r.text() ==
          "waiting for READY=1; 1 notification was ignored: it did not come from the main process, "
          "or made no sense; see notify_access; timeout_start_sec leaves it 1min 30s");
    r.pass(90s);
    r.main_ends(kill_by(SIGTERM));
    CHECK(r.text() ==
          "sent no READY=1 within timeout_start_sec (1min 30s) and was killed by SIGTERM (1 "
          "notification was ignored: it did not come from the main process, or made no sense; see "
          "notify_access)" +
              stays + " again");
}

TEST_CASE("a run that its watchdog ends", "[explanation]")
{
    program_config config;
    config.type = service_type::notify;
    config.watchdog = 2s;
    run r(config);
    const int pid = r.status().main_pid;
    r.say(pid, {.state = notify_state::ready, .status = "busy"});
    CHECK(r.text() == "running: \"busy\"; its watchdog waits for WATCHDOG=1, 2.0s more");
    r.pass(2s);
    CHECK(r.text() == "stopping because it was silent for longer than watchdog_sec (2s): SIGABRT was sent; "
                      "SIGKILL follows in 1min 30s unless it ends before");
    r.main_ends(kill_by(SIGABRT));
    CHECK(r.text() ==
          "was silent for longer than watchdog_sec (2s) and was killed by SIGABRT" + stays + " again");
}

TEST_CASE("a run that ends by itself with STOPPING=1", "[explanation]")
{
    program_config config;
    config.notify = notify_access::main;
    run r(config);
    r.say(r.status().main_pid, {.state = notify_state::stopping});
    CHECK(r.text().starts_with("ending by itself, as it said with STOPPING=1; SIGKILL follows in 1min 30s"));
}

TEST_CASE("a run that reloads", "[explanation]")
{
    program_config config;
    config.exec_reload = {named("/a")};
    run r(config);
    r.ask(job_kind::reload);
    CHECK(r.text() == "reloading: exec_reload is running; timeout_start_sec leaves it 1min 30s");
    r.control_ends(exit_of(1));
    CHECK(r.text() == "running; its last reload failed (exit-code)");
}

TEST_CASE("a forking run without its PID file", "[explanation]")
{
    program_config config;
    config.type = service_type::forking;
    config.pid_file = "/run/web.pid";
    run r(config);
    CHECK(r.text() == "running its command, which is to leave the program behind in the background and to "
                      "end; timeout_start_sec leaves it 1min 30s");
    r.tell(process_exited{r.status().control_serial, exit_of(0), true});
    CHECK(r.text() == "waiting for the PID file /run/web.pid to name its main process; timeout_start_sec "
                      "leaves it 1min 30s");
    r.pass(90s);
    r.tell(processes_gone{});
    CHECK(r.text() == "left no main process behind within timeout_start_sec (1min 30s): the PID file "
                      "/run/web.pid names none" +
                          stays);
}

TEST_CASE("a stop with commands of its own", "[explanation]")
{
    program_config config;
    config.exec_stop = {named("/a")};
    config.exec_stop_post = {named("/b")};
    run r(config);
    r.ask(job_kind::stop);
    CHECK(r.text() == "stopping on request: exec_stop is running; SIGTERM follows in 1min 30s unless that "
                      "ends before");
    r.control_ends(exit_of(0));
    CHECK(r.text() == "stopping on request: SIGTERM was sent; SIGKILL follows in 1min 30s unless it ends "
                      "before");
    r.main_ends(exit_of(143));
    CHECK(r.text() == "stopping on request: exec_stop_post is running; SIGTERM follows in 1min 30s unless "
                      "that ends before");
    r.control_ends(exit_of(0));
    CHECK(r.text() == "stopped on request, but it exited with status 143 (that is how a shell or a Java "
                      "program ends by SIGTERM, but 143 is a failure unless success_exit_status names it). "
                      "`procctl start web` starts it again");
}
