// The explanation of each state that lasts and of each way to fail, one line a situation: this is its
// specification.

#include "tests/support/catch.h"
#include "tests/unit/daemon/control/situation.h"

#include <functional>
#include <vector>

#include <signal.h>

using namespace procctl;
using namespace procctl::test;
using namespace std::chrono_literals;
using enum sub_state;

namespace {

struct row {
    std::string text;
    std::function<void(situation&)> set;
};

void check(const std::vector<row>& rows)
{
    for (const row& r : rows) {
        situation s;
        r.set(s);
        CHECK(s.text() == r.text);
    }
}

command named(const std::string& file) { return {.argv = {file}}; }

void at(situation& s, sub_state state, exec_command which, unsigned index = 0)
{
    s.status.state = state;
    s.status.control_command = which;
    s.status.control_index = index;
    s.status.control_pid = 8;
    s.status.control_serial = 2;
}

void run(situation& s)
{
    s.status.state = sub_state::running;
    s.status.main_pid = 7;
    s.status.is_main_known = true;
    s.status.exec_main_start = wall_time{900s};
}

void due_in(situation& s, duration left) { s.status.deadline = s.now.monotonic + left; }

void failed_by(situation& s, service_result result, exec_command which, unsigned index, process_end how)
{
    s.ended(failed, result, {}, restart_reason::policy_stays);
    s.status.culprit = failed_command{.command = which, .index = index, .end = how, .failure = {}};
    s.config.restart = restart_mode::no;
}

void timed_out(situation& s, time_limit limit, process_end how = {})
{
    s.ended(failed, service_result::timeout, how, restart_reason::policy_stays);
    s.status.expired = limit;
    s.config.restart = restart_mode::no;
}

constexpr std::string_view stays_down = "; with `restart: no` it stays down. `procctl start web` starts it";
std::string and_stays(const std::string& text) { return text + std::string(stays_down); }
std::string and_stays_again(const std::string& text) { return and_stays(text) + " again"; }

} // namespace

TEST_CASE("a start says what it waits for, and for how long", "[explanation]")
{
    check({
        {"asking whether to start: exec_condition (command 1 of 2) is running; timeout_start_sec leaves it "
         "30s",
         [](situation& s) {
             s.config.exec_condition = {named("/a"), named("/b")};
             at(s, condition, exec_command::condition);
             due_in(s, 30s);
         }},
        {"about to start: exec_start_pre (command 2 of 3) is running first; timeout_start_sec leaves it 3.2s",
         [](situation& s) {
             s.config.exec_start_pre = {named("/a"), named("/b"), named("/c")};
             at(s, start_pre, exec_command::start_pre, 1);
             due_in(s, 3200ms);
         }},
        {"starting", [](situation& s) { s.status.state = start; }},
        {"waiting for READY=1; timeout_start_sec leaves it 1min 30s",
         [](situation& s) {
             run(s);
             s.status.state = start;
             s.config.type = service_type::notify;
             due_in(s, 90s);
         }},
        {"waiting for READY=1; 3 notifications were ignored: they did not come from the main process, or "
         "made no sense; see notify_access",
         [](situation& s) {
             run(s);
             s.status.state = start;
             s.config.type = service_type::notify_reload;
             s.status.ignored_notifications = 3;
         }},
        {"waiting for READY=1; 1 notification was ignored: it made no sense, or did not come from its "
         "processes",
         [](situation& s) {
             run(s);
             s.status.state = start;
             s.config.type = service_type::notify;
             s.config.notify = notify_access::all;
             s.status.ignored_notifications = 1;
         }},
        {"running its command, which is to leave the program behind in the background and to end",
         [](situation& s) {
             s.config.type = service_type::forking;
             at(s, start, exec_command::start);
         }},
        {"waiting for the PID file /run/web.pid to name its main process; timeout_start_sec leaves it 1min",
         [](situation& s) {
             s.config.type = service_type::forking;
             s.config.pid_file = "/run/web.pid";
             s.status.state = start;
             s.status.sought_serial = 3;
             due_in(s, 1min);
         }},
        {"looking for its main process",
         [](situation& s) {
             s.config.type = service_type::forking;
             s.status.state = start;
             s.status.sought_serial = 3;
         }},
        {"started; exec_start_post has to finish before it counts as running; timeout_start_sec leaves it "
         "5.0s",
         [](situation& s) {
             s.config.exec_start_post = {named("/a")};
             at(s, start_post, exec_command::start_post);
             due_in(s, 5s);
         }},
        {"running its command; it counts as started once that has finished; started because db has failed",
         [](situation& s) {
             s.config.type = service_type::oneshot;
             s.status.state = start;
             s.status.monitored = monitored_end{.unit = "db",
                                                .result = service_result::exit_code,
                                                .exec_main = exit_of(1),
                                                .invocation = {}};
         }},
        {"about to start: its path conditions are being looked at",
         [](situation& s) { s.status.check_serial = 1; }},
    });
}

TEST_CASE("a program that is up says what is particular about it", "[explanation]")
{
    check({
        {"running: \"Serving 3 clients\"",
         [](situation& s) {
             run(s);
             s.status.status_text = "Serving 3 clients";
         }},
        {"running: \"" + std::string(80, 'x') + "…\"",
         [](situation& s) {
             run(s);
             s.status.status_text = std::string(1000, 'x');
         }},
        {"running; its watchdog waits for WATCHDOG=1, 2.5s more",
         [](situation& s) {
             run(s);
             s.status.watchdog_deadline = s.now.monotonic + 2500ms;
         }},
        {"running; runtime_max_sec (1h) stops it in 59min",
         [](situation& s) {
             run(s);
             s.config.runtime_max = 1h;
             due_in(s, 59min);
         }},
        {"running; started because db has failed",
         [](situation& s) {
             run(s);
             s.status.monitored.emplace().unit = "db";
             s.status.monitored->result = service_result::signal;
         }},
        {"running; started because db has ended well",
         [](situation& s) {
             run(s);
             s.status.monitored.emplace().unit = "db";
         }},
        {"running; its last reload failed (exit-code)",
         [](situation& s) {
             run(s);
             s.status.reload_result = service_result::exit_code;
         }},
        {"running; its main process exited with status 0, and it runs on while others of its processes do "
         "(exit_type: cgroup)",
         [](situation& s) {
             run(s);
             s.config.exit = exit_type::cgroup;
             s.status.main_pid = 0;
             s.status.exec_main = exit_of(0);
         }},
        {"running; which process is its main one is not known, so it runs as long as any of its processes "
         "does",
         [](situation& s) {
             run(s);
             s.config.type = service_type::forking;
             s.status.main_pid = 0;
             s.status.is_main_known = false;
         }},
        {"reloading: exec_reload (command 2 of 2) is running; timeout_start_sec leaves it 10s; another "
         "reload "
         "follows",
         [](situation& s) {
             run(s);
             s.config.exec_reload = {named("/a"), named("/b")};
             at(s, reload, exec_command::reload, 1);
             due_in(s, 10s);
             s.status.reload_again = true;
         }},
        {"reloading: SIGHUP was sent, and it has yet to answer RELOADING=1; timeout_start_sec leaves it 10s",
         [](situation& s) {
             run(s);
             s.config.type = service_type::notify_reload;
             s.status.state = reload_signal;
             due_in(s, 10s);
         }},
        {"reloading: it has answered RELOADING=1, and READY=1 has yet to come; timeout_start_sec leaves it "
         "10s; its watchdog waits for WATCHDOG=1, 1.0s more",
         [](situation& s) {
             run(s);
             s.status.state = reload_notify;
             due_in(s, 10s);
             s.status.watchdog_deadline = s.now.monotonic + 1s;
         }},
        {"reloading: it said RELOADING=1 by itself, and READY=1 ends that",
         [](situation& s) {
             run(s);
             s.status.state = reload;
         }},
        {"reloading: it said RELOADING=1 by itself, and READY=1 ends that; runtime_max_sec (1h) stops it in "
         "10s",
         [](situation& s) {
             run(s);
             s.config.runtime_max = 1h;
             s.status.state = reload;
             due_in(s, 10s);
         }},
    });
}

TEST_CASE("a stop under way says why, what it does and what follows", "[explanation]")
{
    const auto stopping = [](situation& s, sub_state state) {
        run(s);
        s.status.state = state;
        s.status.stop_requested = true;
        due_in(s, 5s);
    };
    check({
        {"stopping on request: exec_stop (command 2 of 2) is running; SIGTERM follows in 5.0s unless that "
         "ends before",
         [&](situation& s) {
             stopping(s, stop);
             s.config.exec_stop = {named("/a"), named("/b")};
             at(s, stop, exec_command::stop, 1);
         }},
        {"cleaning up after its main process exited with status 0: exec_stop is running",
         [&](situation& s) {
             s.config.exec_stop = {named("/a")};
             at(s, stop, exec_command::stop);
             s.status.exec_main = exit_of(0);
         }},
        {"stopping on request: exec_stop_post is running; SIGABRT follows in 5.0s unless that ends before",
         [&](situation& s) {
             stopping(s, stop_post);
             s.config.timeout_stop_failure = timeout_failure_mode::abort;
             s.config.exec_stop_post = {named("/a")};
             at(s, stop_post, exec_command::stop_post);
         }},
        {"cleaning up after exec_start_pre exited with status 1 (command 2 of 2): exec_stop_post is running",
         [&](situation& s) {
             s.config.exec_start_pre = {named("/a"), named("/b")};
             s.config.exec_stop_post = {named("/a")};
             failed_by(s, service_result::exit_code, exec_command::start_pre, 1, exit_of(1));
             at(s, stop_post, exec_command::stop_post);
         }},
        {"ending by itself, as it said with STOPPING=1; SIGKILL follows in 5.0s unless it ends before",
         [&](situation& s) {
             stopping(s, stop_sigterm);
             s.status.stop_requested = false;
             s.status.notified = notify_state::stopping;
         }},
        {"stopping on request: SIGTERM was sent; SIGABRT follows in 5.0s unless it ends before",
         [&](situation& s) {
             stopping(s, stop_sigterm);
             s.config.timeout_stop_failure = timeout_failure_mode::abort;
         }},
        {"stopping because it was silent for longer than watchdog_sec (2s): SIGABRT was sent; SIGKILL "
         "follows in 5.0s unless it ends before",
         [&](situation& s) {
             stopping(s, stop_watchdog);
             s.status.stop_requested = false;
             s.config.watchdog = 2s;
             s.status.result = service_result::watchdog;
             s.status.expired = time_limit::watchdog;
         }},
        {"stopping because it sent no READY=1 within timeout_start_sec (9s; timeout_start_failure_mode: "
         "kill): SIGKILL was sent",
         [&](situation& s) {
             stopping(s, stop_sigkill);
             s.status.stop_requested = false;
             s.config.type = service_type::notify;
             s.config.timeout_start = 9s;
             s.config.timeout_start_failure = timeout_failure_mode::kill;
             s.status.result = service_result::timeout;
             s.status.expired = time_limit::start;
         }},
        {"stopping because exec_start_pre did not finish within timeout_start_sec (9s): SIGTERM was sent; "
         "SIGKILL follows in 5.0s unless it ends before",
         [&](situation& s) {
             s.config.exec_start_pre = {named("/a")};
             s.config.timeout_start = 9s;
             at(s, stop_sigterm, exec_command::start_pre);
             due_in(s, 5s);
             s.status.result = service_result::timeout;
             s.status.expired = time_limit::start;
         }},
        {"stopping on request: SIGTERM was sent to the processes that are left; SIGKILL follows in 5.0s "
         "unless it ends before",
         [&](situation& s) {
             stopping(s, final_sigterm);
             s.status.main_pid = 0;
         }},
        {"stopping on request: SIGABRT was sent to the processes that are left; SIGKILL follows in 5.0s "
         "unless it ends before",
         [&](situation& s) {
             stopping(s, final_watchdog);
             s.status.main_pid = 0;
         }},
        {"stopping on request: it did not end within timeout_stop_sec (1min 30s), so SIGKILL was sent to the "
         "processes that are left",
         [&](situation& s) {
             stopping(s, final_sigkill);
             s.status.main_pid = 0;
             s.status.result = service_result::timeout;
             s.status.expired = time_limit::stop;
         }},
    });
}

TEST_CASE("the command that failed is named", "[explanation]")
{
    check({
        {and_stays_again("exec_start_pre exited with status 1 (command 2 of 3)"),
         [](situation& s) {
             s.config.exec_start_pre = {named("/a"), named("/b"), named("/c")};
             failed_by(s, service_result::exit_code, exec_command::start_pre, 1, exit_of(1));
         }},
        {and_stays_again("exec_start_post was killed by SIGTERM"),
         [](situation& s) {
             s.config.exec_start_post = {named("/a")};
             failed_by(s, service_result::signal, exec_command::start_post, 0, kill_by(SIGTERM));
         }},
        {and_stays_again("exec_start_pre exited with status 203 (EXEC; command 1 of 2): No such file or "
                         "directory"),
         [](situation& s) {
             s.config.exec_start_pre = {named("/a"), named("/b")};
             failed_by(s, service_result::exit_code, exec_command::start_pre, 0, exit_of(203));
             s.status.culprit->failure = {.exit_status = 203, .errno_value = ENOENT};
         }},
        {and_stays_again("exec_start_pre could not be started: cannot read /etc/default/web: No such file or "
                         "directory"),
         [](situation& s) {
             s.config.exec_start_pre = {named("/a")};
             failed_by(s, service_result::resources, exec_command::start_pre, 0, {});
             s.note = "cannot read /etc/default/web: No such file or directory";
         }},
        {and_stays_again("exec_start exited with status 1"),
         [](situation& s) {
             s.config.type = service_type::forking;
             failed_by(s, service_result::exit_code, exec_command::start, 0, exit_of(1));
         }},
        {"stopped on request, but exec_stop exited with status 1. `procctl start web` starts it again",
         [](situation& s) {
             s.config.exec_stop = {named("/a")};
             failed_by(s, service_result::exit_code, exec_command::stop, 0, exit_of(1));
             s.status.stop_requested = true;
             s.status.exec_main = kill_by(SIGTERM);
         }},
        {"skipped, because exec_condition said no: exec_condition exited with status 1 (command 2 of 2). "
         "`procctl start web` asks again",
         [](situation& s) {
             s.config.exec_condition = {named("/a"), named("/b")};
             failed_by(s, service_result::exec_condition, exec_command::condition, 1, exit_of(1));
             s.status.state = dead;
         }},
    });
}

TEST_CASE("a limit that ran out is named with what it was for", "[explanation]")
{
    check({
        {and_stays("exec_start_pre (command 2 of 2) did not finish within timeout_start_sec (1min 30s)"),
         [](situation& s) {
             s.config.exec_start_pre = {named("/a"), named("/b")};
             timed_out(s, time_limit::start);
             s.status.control_command = exec_command::start_pre;
             s.status.control_index = 1;
         }},
        {and_stays_again("exec_start_post did not finish within timeout_start_sec (1min 30s); the main "
                         "process was killed by SIGTERM"),
         [](situation& s) {
             s.config.exec_start_post = {named("/a")};
             timed_out(s, time_limit::start, kill_by(SIGTERM));
             s.status.control_command = exec_command::start_post;
             s.status.exec_main_start = wall_time{900s};
         }},
        {and_stays_again("sent no READY=1 within timeout_start_sec (1min 30s; timeout_start_failure_mode: "
                         "abort) and was killed by SIGABRT (a program that never notifies needs another "
                         "type, as exec)"),
         [](situation& s) {
             s.config.type = service_type::notify;
             s.config.timeout_start_failure = timeout_failure_mode::abort;
             timed_out(s, time_limit::start, kill_by(SIGABRT));
             s.status.exec_main_start = wall_time{900s};
         }},
        {and_stays_again("sent no READY=1 within timeout_start_sec (1min 30s) and was killed by SIGTERM (3 "
                         "notifications were ignored: they did not come from the main process, or made no "
                         "sense; see notify_access)"),
         [](situation& s) {
             s.config.type = service_type::notify;
             timed_out(s, time_limit::start, kill_by(SIGTERM));
             s.status.exec_main_start = wall_time{900s};
             s.status.ignored_notifications = 3;
         }},
        {and_stays("left no main process behind within timeout_start_sec (1min 30s): the PID file "
                   "/run/web.pid names none"),
         [](situation& s) {
             s.config.type = service_type::forking;
             s.config.pid_file = "/run/web.pid";
             timed_out(s, time_limit::start);
             s.status.control_command = exec_command::start;
         }},
        {and_stays_again("exec_stop did not finish within timeout_stop_sec (1min 30s; "
                         "timeout_stop_failure_mode: kill); the main process was killed by SIGKILL"),
         [](situation& s) {
             s.config.exec_stop = {named("/a")};
             s.config.timeout_stop_failure = timeout_failure_mode::kill;
             timed_out(s, time_limit::stop, kill_by(SIGKILL));
             s.status.culprit =
                 failed_command{.command = exec_command::stop, .index = 0, .end = {}, .failure = {}};
         }},
        {and_stays_again("ran longer than runtime_max_sec (1h and up to 5min of "
                         "runtime_randomized_extra_sec) allows and was killed by SIGTERM"),
         [](situation& s) {
             s.config.runtime_max = 1h;
             s.config.runtime_randomized_extra = 5min;
             timed_out(s, time_limit::runtime, kill_by(SIGTERM));
         }},
        {and_stays("did not end within timeout_abort_sec (3s)"),
         [](situation& s) {
             s.config.timeout_abort = 3s;
             timed_out(s, time_limit::abort);
         }},
        {and_stays_again("was silent for longer than watchdog_sec (2s) and was killed by SIGABRT"),
         [](situation& s) {
             s.config.watchdog = 2s;
             timed_out(s, time_limit::watchdog, kill_by(SIGABRT));
             s.status.result = service_result::watchdog;
         }},
        {and_stays_again("was silent for longer than its own WATCHDOG_USEC (500ms) and was killed by SIGABRT "
                         "(2 notifications were ignored: they did not come from the main process, or made "
                         "no sense; see notify_access)"),
         [](situation& s) {
             s.config.watchdog = 2s;
             timed_out(s, time_limit::watchdog, kill_by(SIGABRT));
             s.status.result = service_result::watchdog;
             s.status.watchdog_override = 500ms;
             s.status.ignored_notifications = 2;
         }},
        {and_stays_again("asked to be killed by WATCHDOG=trigger and was killed by SIGABRT"),
         [](situation& s) {
             timed_out(s, time_limit::none, kill_by(SIGABRT));
             s.status.result = service_result::watchdog;
         }},
    });
}

TEST_CASE("what the type asks for and did not come", "[explanation]")
{
    check({
        {and_stays_again("exited with status 0 before it sent READY=1 (a program that never notifies needs "
                         "another type, as exec)"),
         [](situation& s) {
             s.config.type = service_type::notify;
             s.config.restart = restart_mode::no;
             s.ended(failed, service_result::protocol, exit_of(0), restart_reason::policy_stays);
             s.status.exec_main_start = wall_time{900s};
         }},
        {and_stays("left no main process behind: the PID file /run/web.pid names no living process of its "
                   "own"),
         [](situation& s) {
             s.config.type = service_type::forking;
             s.config.pid_file = "/run/web.pid";
             s.config.restart = restart_mode::no;
             s.ended(failed, service_result::protocol, {}, restart_reason::policy_stays);
         }},
    });
}

TEST_CASE("a start that a path keeps from beginning", "[explanation]")
{
    check({
        {"not started: condition_path_exists (/a, !/b) does not hold. `procctl start web` looks again",
         [](situation& s) {
             s.config.condition_path_exists = {{.path = "/a"}, {.path = "/b", .is_negated = true}};
             s.status.condition_failed = true;
         }},
        {"was killed by SIGSEGV; not started since: condition_path_exists (|/a) or assert_path_exists (/c) "
         "does not hold. `procctl start web` looks again",
         [](situation& s) {
             s.config.condition_path_exists = {{.path = "/a", .is_trigger = true}};
             s.config.assert_path_exists = {{.path = "/c"}};
             s.ended(dead, service_result::signal, kill_by(SIGSEGV), restart_reason::policy_restarts);
             s.status.condition_failed = true;
         }},
    });
}

TEST_CASE("traps that users set for themselves are pointed at", "[explanation]")
{
    const auto fails = [](restart_mode mode, service_result result, process_end how) {
        return [=](situation& s) {
            s.config.restart = mode;
            s.ended(result == service_result::success ? dead : failed, result, how,
                    restart_reason::policy_stays);
        };
    };
    using enum restart_mode;
    const std::string again = ". `procctl start web` starts it again";
    check({
        {"was killed by SIGTERM, which is a clean end, so `restart: on-failure` does not start it again" +
             again,
         fails(on_failure, service_result::success, kill_by(SIGTERM))},
        {"exited with status 143 (that is how a shell or a Java program ends by SIGTERM, but 143 is a "
         "failure unless success_exit_status names it); with `restart: no` it stays down" +
             again,
         fails(restart_mode::no, service_result::exit_code, exit_of(143))},
        {"exited with status 1, and `restart: on-abnormal` starts it again only after an unclean signal, a "
         "timeout or the watchdog" +
             again,
         fails(on_abnormal, service_result::exit_code, exit_of(1))},
        {"exited with status 1, and `restart: on-abort` starts it again only after an unclean signal" + again,
         fails(on_abort, service_result::exit_code, exit_of(1))},
        {"was killed by SIGSEGV, and `restart: on-watchdog` starts it again only after its watchdog" + again,
         fails(on_watchdog, service_result::signal, kill_by(SIGSEGV))},
        {"exited with status 1, and `restart: on-success` starts it again only after a clean end" + again,
         fails(on_success, service_result::exit_code, exit_of(1))},
        {"exited with status 0, which is a clean end; start limit hit: started 5 times in 10s; it stays "
         "down. A program that goes into the background needs `type: forking`, or an option of its own to "
         "stay in the foreground. `procctl reset-failed web` and `procctl start web` start it again",
         [](situation& s) {
             s.ended(failed, service_result::success, exit_of(0), restart_reason::policy_restarts);
             s.status.start_limit_refused = true;
         }},
        {"stopped on request (was killed by SIGTERM); processes of it may run on, for `kill_mode: process` "
         "spares them" +
             again,
         [](situation& s) {
             s.config.kill = kill_mode::process;
             s.ended(dead, service_result::success, kill_by(SIGTERM), restart_reason::stop_requested);
             s.status.stop_requested = true;
             s.status.has_others = true;
         }},
    });
}

TEST_CASE("a delay that grows says how far it has come", "[explanation]")
{
    situation s;
    s.config.restart_sec = 1s;
    s.config.restart_steps = 2;
    s.config.restart_max_delay = 16s;
    s.ended(auto_restart, service_result::exit_code, exit_of(1), restart_reason::policy_restarts);
    due_in(s, 500ms);
    CHECK(s.text() == "exited with status 1; restarts in 500ms");
    s.status.delay_step = 1;
    CHECK(s.text() ==
          "exited with status 1; restarts in 500ms (the delay has grown to 4.0s, step 1 of 2 towards "
          "restart_max_delay_sec)");
    s.status.delay_step = 2;
    CHECK(s.text() ==
          "exited with status 1; restarts in 500ms (the delay has grown to 16s, restart_max_delay_sec)");
}

TEST_CASE("what became of a request", "[explanation]")
{
    situation s;
    run(s);
    const auto said = [&](job_kind kind, job_outcome outcome) { return s.job_text(kind, outcome); };
    CHECK(said(job_kind::start, job_outcome::done) == "running");
    CHECK(said(job_kind::start, job_outcome::canceled) == "another request overtook this one");
    CHECK(said(job_kind::reload, job_outcome::invalid) == "web is not active, cannot reload");
    CHECK(said(job_kind::reload, job_outcome::unsupported) ==
          "web has no exec_reload and is not of type notify-reload");
    s.status.reload_result = service_result::exit_code;
    CHECK(said(job_kind::reload, job_outcome::failed) ==
          "exec_reload exited with a status that is no success");
    s.status.reload_result = service_result::timeout;
    CHECK(said(job_kind::reload, job_outcome::failed) ==
          "it did not answer, or exec_reload did not finish, within timeout_start_sec");
    s.config.assert_path_exists = {{.path = "/c"}};
    CHECK(said(job_kind::start, job_outcome::assert_failed) == "assert_path_exists (/c) does not hold");
}
