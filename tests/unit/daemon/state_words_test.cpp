// One line of the log for each change of state that is worth one: this table is the specification.

#include "daemon/state_words.h"
#include "tests/support/catch.h"

#include <functional>
#include <memory>
#include <vector>

#include <signal.h>

using namespace procctl;
using namespace std::chrono_literals;

namespace {

using state = sub_state;

struct setup {
    program_config config;
    instance_status status;
};

// The status is the one that the change has led to; a test says what is particular.
struct row {
    std::string text;
    state from;
    state to;
    std::function<void(setup&)> set;
};

state_words words_of(const row& r)
{
    setup s;
    s.config.exec_start = {{.argv = {"/opt/web"}}};
    s.status.state = r.to;
    r.set(s);
    instance i;
    i.name = "web";
    i.program = std::make_shared<const loaded_program>(loaded_program{s.config, {}});
    i.status = s.status;
    return describe_change(i, r.from, r.to);
}

void check(const std::vector<row>& rows, bool is_warning)
{
    for (const row& r : rows) {
        const state_words said = words_of(r);
        CHECK(said.text == r.text);
        CAPTURE(r.text);
        CHECK(said.is_warning == is_warning);
    }
}

command named(const std::string& file) { return {.argv = {file}}; }
constexpr process_end exit_of(int code) { return {exit_code_kind::exited, code}; }
constexpr process_end kill_by(int signal) { return {exit_code_kind::killed, signal}; }

void runs(setup& s, exec_command which, unsigned index = 0)
{
    s.status.control_command = which;
    s.status.control_index = index;
    s.status.control_pid = 43;
    s.status.control_serial = 2;
}

void is_up(setup& s)
{
    s.status.main_pid = 42;
    s.status.is_main_known = true;
}

void times_out(setup& s, time_limit limit)
{
    s.status.result = limit == time_limit::watchdog ? service_result::watchdog : service_result::timeout;
    s.status.expired = limit;
}

} // namespace

TEST_CASE("a start is told by its steps", "[words]")
{
    check(
        {
            {"runs exec_condition, process 43", state::dead, state::condition,
             [](setup& s) { runs(s, exec_command::condition); }},
            {"runs exec_start_pre (command 1 of 2), process 43", state::dead, state::start_pre,
             [](setup& s) {
                 s.config.exec_start_pre = {named("/a"), named("/b")};
                 runs(s, exec_command::start_pre);
             }},
            {"", state::dead, state::start, [](setup& s) { s.config.type = service_type::exec; }},
            {"runs its command, process 42", state::dead, state::start,
             [](setup& s) {
                 s.config.type = service_type::oneshot;
                 is_up(s);
             }},
            {"runs its command, process 43", state::dead, state::start,
             [](setup& s) {
                 s.config.type = service_type::forking;
                 runs(s, exec_command::start);
             }},
            {"started, main process 42; waits for READY=1", state::dead, state::start,
             [](setup& s) {
                 s.config.type = service_type::notify;
                 is_up(s);
             }},
            {"runs exec_start_post, process 43", state::start, state::start_post,
             [](setup& s) { runs(s, exec_command::start_post); }},
            {"started, main process 42", state::dead, state::running, is_up},
            {"", state::dead, state::running,
             [](setup& s) {
                 is_up(s);
                 s.status.exec_main_failure.exit_status = 203;
             }},
            {"ready, main process 42", state::start, state::running,
             [](setup& s) {
                 s.config.type = service_type::notify;
                 is_up(s);
             }},
            {"started; which process is its main one is not known", state::start, state::running,
             [](setup& s) { s.config.type = service_type::forking; }},
            {"exited with status 0; counts as active (remain_after_exit)", state::running, state::exited,
             [](setup& s) { s.status.exec_main = exit_of(0); }},
        },
        false);
}

TEST_CASE("a reload is told", "[words]")
{
    check(
        {
            {"reloading; runs exec_reload, process 43", state::running, state::reload,
             [](setup& s) { runs(s, exec_command::reload); }},
            {"reloads by itself (RELOADING=1)", state::running, state::reload, is_up},
            {"reloading with SIGHUP", state::running, state::reload_signal, is_up},
            {"", state::reload, state::reload_signal, is_up},
            {"", state::reload_signal, state::reload_notify, is_up},
            {"reloaded", state::reload_notify, state::running, is_up},
        },
        false);
    check({{"the reload failed (exit-code); it runs on", state::reload, state::running,
            [](setup& s) {
                is_up(s);
                s.status.reload_result = service_result::exit_code;
            }}},
          true);
}

TEST_CASE("a stop says why it is, and what it does", "[words]")
{
    check(
        {
            {"stopping with SIGTERM", state::running, state::stop_sigterm,
             [](setup& s) {
                 is_up(s);
                 s.status.stop_requested = true;
             }},
            {"stopping with SIGUSR1", state::running, state::stop_sigterm,
             [](setup& s) {
                 is_up(s);
                 s.config.restart_kill_signal = SIGUSR1;
                 s.status.pending = pending_job::restart;
             }},
            {"stopping; runs exec_stop, process 43", state::running, state::stop,
             [](setup& s) {
                 is_up(s);
                 runs(s, exec_command::stop);
                 s.status.stop_requested = true;
             }},
            {"main process exited with status 0; runs exec_stop, process 43", state::running, state::stop,
             [](setup& s) {
                 runs(s, exec_command::stop);
                 s.status.exec_main = exit_of(0);
             }},
            {"main process exited with status 0; stopping what it left behind with SIGTERM", state::running,
             state::stop_sigterm, [](setup& s) { s.status.exec_main = exit_of(0); }},
            {"ends by itself (STOPPING=1)", state::running, state::stop_sigterm,
             [](setup& s) {
                 is_up(s);
                 s.status.notified = notify_state::stopping;
             }},
            {"runs exec_stop_post, process 43", state::stop_sigterm, state::stop_post,
             [](setup& s) { runs(s, exec_command::stop_post); }},
            {"", state::stop_sigterm, state::final_sigterm, is_up},
        },
        false);
}

TEST_CASE("where somebody should look there is a warning", "[words]")
{
    check(
        {
            {"exec_start_pre exited with status 1 (command 2 of 2); runs exec_stop_post, process 43",
             state::start_pre, state::stop_post,
             [](setup& s) {
                 s.config.exec_start_pre = {named("/a"), named("/b")};
                 s.status.result = service_result::exit_code;
                 s.status.culprit = {exec_command::start_pre, 1, exit_of(1), {}};
                 runs(s, exec_command::stop_post);
             }},
            {"main process was killed by SIGSEGV; runs exec_stop_post, process 43", state::running,
             state::stop_post,
             [](setup& s) {
                 s.status.result = service_result::signal;
                 s.status.exec_main = kill_by(SIGSEGV);
                 runs(s, exec_command::stop_post);
             }},
            {"sent no READY=1 within timeout_start_sec (1min 30s); stopping with SIGTERM", state::start,
             state::stop_sigterm,
             [](setup& s) {
                 is_up(s);
                 s.config.type = service_type::notify;
                 s.status.exec_main_start = wall_time{1s};
                 times_out(s, time_limit::start);
             }},
            {"ran longer than runtime_max_sec (1h) allows; stopping with SIGTERM", state::running,
             state::stop_sigterm,
             [](setup& s) {
                 is_up(s);
                 s.config.runtime_max = 1h;
                 times_out(s, time_limit::runtime);
             }},
            {"was silent for longer than watchdog_sec (2s); sending SIGABRT", state::running,
             state::stop_watchdog,
             [](setup& s) {
                 is_up(s);
                 s.config.watchdog = 2s;
                 times_out(s, time_limit::watchdog);
             }},
            {"still there after 1s; sending SIGKILL", state::stop_sigterm, state::stop_sigkill,
             [](setup& s) {
                 is_up(s);
                 s.config.timeout_stop = 1s;
                 times_out(s, time_limit::stop);
             }},
            {"still there after 3s; sending SIGKILL", state::stop_watchdog, state::stop_sigkill,
             [](setup& s) {
                 is_up(s);
                 s.config.timeout_abort = 3s;
                 times_out(s, time_limit::stop);
             }},
            {"sending SIGKILL", state::running, state::stop_sigkill,
             [](setup& s) {
                 is_up(s);
                 s.status.stop_requested = true;
             }},
        },
        true);
}

TEST_CASE("an end says how, and what follows", "[words]")
{
    check(
        {
            {"exited with status 0", state::running, state::dead,
             [](setup& s) { s.status.exec_main = exit_of(0); }},
            {"stopped: was killed by SIGTERM", state::stop_sigterm, state::dead,
             [](setup& s) {
                 s.status.exec_main = kill_by(SIGTERM);
                 s.status.stop_requested = true;
             }},
            {"skipped, because exec_condition said no: exec_condition exited with status 1", state::condition,
             state::dead,
             [](setup& s) {
                 s.status.result = service_result::exec_condition;
                 s.status.culprit = {exec_command::condition, 0, exit_of(1), {}};
             }},
            {"stopped, starts again", state::stop_sigterm, state::dead,
             [](setup& s) { s.status.state = state::start_pre; }},
            {"stopped, starts again", state::stop_sigterm, state::dead,
             [](setup& s) { s.status.check_serial = 1; }},
            // The moment between a restart's delay and its start is no news.
            {"", state::auto_restart, state::dead, [](setup& s) { s.status.state = state::start; }},
            {"stopped; the restart is off", state::auto_restart, state::dead,
             [](setup& s) { s.status.last_decision = restart_reason::stop_requested; }},
            {"restarts in 5.0s (restart: on-failure)", state::failed, state::auto_restart,
             [](setup& s) {
                 s.config.restart_sec = 5s;
                 s.config.restart = restart_mode::on_failure;
                 s.status.last_decision = restart_reason::policy_restarts;
             }},
            {"restarts in 16s (restart_force_exit_status)", state::failed, state::auto_restart,
             [](setup& s) {
                 s.config.restart_sec = 1s;
                 s.config.restart_steps = 1;
                 s.config.restart_max_delay = 16s;
                 s.status.delay_step = 4;
                 s.status.last_decision = restart_reason::forced_by_status;
             }},
            {"waits for a start (restart: always)", state::failed, state::auto_restart,
             [](setup& s) { s.config.restart_sec = infinity; }},
        },
        false);
    check(
        {
            {"failed (signal): was killed by SIGKILL", state::running, state::failed,
             [](setup& s) {
                 s.status.exec_main = kill_by(SIGKILL);
                 s.status.result = service_result::signal;
             }},
            {"failed (exit-code): exited with status 143 (that is how a shell or a Java program ends by "
             "SIGTERM, but 143 is a failure unless success_exit_status names it)",
             state::running, state::failed,
             [](setup& s) {
                 s.status.exec_main = exit_of(143);
                 s.status.result = service_result::exit_code;
             }},
            {"failed (exit-code): start refused: started 5 times in 10s; it stays down until reset-failed or "
             "a later start",
             state::dead, state::failed,
             [](setup& s) {
                 s.status.start_limit_refused = true;
                 s.status.result = service_result::exit_code;
             }},
            {"failed (timeout): its processes would not end; they are left to themselves and not started "
             "again",
             state::final_sigkill, state::failed,
             [](setup& s) {
                 s.status.result = service_result::timeout;
                 s.status.last_decision = restart_reason::survivors;
             }},
        },
        true);
}
