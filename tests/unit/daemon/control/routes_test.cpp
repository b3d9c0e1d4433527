// The routes against a real supervisor whose processes are the test's.

#include "daemon/control/routes.h"
#include "daemon/core/program_keys.h"
#include "tests/support/golden.h"
#include "tests/unit/daemon/control/fake_backend.h"

#include <sstream>

#include <fcntl.h>

using namespace procctl;
using test::check_golden;

namespace {

program_config program(std::string name, unsigned instances = 0)
{
    program_config out;
    out.name = std::move(name);
    out.instances = instances;
    return out;
}

struct api {
    fake_backend daemon;
    access_rules rules{.own_uid = 1000, .others = access::control};
    requester who{.uid = 1000, .pid = 77};

    api()
    {
        program_config batch = program("batch");
        batch.autostart = false;
        batch.tags = {"slow"};
        daemon.load({program("web"), program("worker", 2), batch});
    }

    response raw(std::string method, std::string target, std::string body = {})
    {
        return answer({std::move(method), std::move(target), std::move(body)}, who, rules, daemon);
    }
    // The reply, also where it comes later.
    http_reply ask(std::string method, std::string target, std::string body = {})
    {
        response got = raw(std::move(method), std::move(target), std::move(body));
        if (auto* const now = std::get_if<http_reply>(&got)) return *now;
        if (auto* const later = std::get_if<deferred_reply>(&got)) {
            http_reply reply;
            reply.status = 0;
            later->begin([&](final_response r) { reply = std::get<http_reply>(std::move(r)); });
            REQUIRE(reply.status == 0); // jobs are never done from within
            daemon.answer_requests();
            return reply;
        }
        FAIL("the connection was given away");
        return {};
    }
    std::string text(const std::string& method, const std::string& target, const std::string& body = {})
    {
        const http_reply reply = ask(method, target, body);
        return method + ' ' + target + (body.empty() ? "" : ' ' + body) + "\n" +
               std::to_string(reply.status) + (reply.allow.empty() ? "" : " Allow: " + reply.allow) + ' ' +
               reply.body + "\n\n";
    }
};

} // namespace

TEST_CASE("the table of routes", "[routes]")
{
    std::ostringstream out;
    for (const route& r : routes())
        out << r.method << ' ' << r.path << (r.needs == access::read ? " read" : " control")
            << (r.parameters.empty() ? "" : " ?") << r.parameters << '\n';
    check_golden("control/routes.txt", out.str());
}

TEST_CASE("what is read of programs", "[routes]")
{
    api a;
    a.daemon.ended("worker@2", {exit_code_kind::exited, 3});
    std::string all;
    for (const char* const target :
         {"/v1/programs", "/v1/programs?pattern=web&pattern=w*&pattern=@slow", "/v1/programs/worker%401",
          "/v1/programs/worker", "/v1/programs/web/properties"})
        all += a.text("GET", target);
    check_golden("control/programs.txt", all);
}

TEST_CASE("the properties are the status and every key of the configuration, each once", "[routes]")
{
    api a;
    program_config task = program("task");
    task.type = service_type::oneshot;
    task.restart = restart_mode::no;
    task.timeout_start = infinity;
    task.nice = 5;
    a.daemon.load({task});
    const auto lists = protocol::property_lists_from_json(a.ask("GET", "/v1/programs/task/properties").body);
    REQUIRE(lists);
    REQUIRE(lists->size() == 1);
    const auto value = [&](std::string_view name) {
        std::vector<std::string> found;
        for (const auto& [key, text] : lists->front())
            if (key == name) found.push_back(text);
        return found;
    };
    using once = std::vector<std::string>;
    CHECK(value("name") == once{"task"});
    CHECK(value("type") == once{"oneshot"});
    CHECK(value("nice") == once{"5"});
    CHECK(value("exec_start") == once{"/bin/task"});
    // Defaults: one that is the same for all, one that the type decides.
    CHECK(value("restart_sec") == once{"100ms"});
    CHECK(value("timeout_start_sec") == once{"infinity"});
    for (const program_key& key : program_keys()) {
        CAPTURE(key.name);
        CHECK(value(key.name).size() == 1);
    }
}

TEST_CASE("what a program says of itself is part of its status", "[routes]")
{
    api a;
    program_config db = program("db");
    db.type = service_type::notify_reload;
    db.watchdog = std::chrono::seconds(5);
    a.daemon.load({db});
    const instance_id id = a.daemon.programs().find("db")->id;
    const auto say = [&](int pid, notify_message message) {
        notified said;
        said.pid = pid;
        said.is_member = true;
        said.message = std::move(message);
        a.daemon.carry_out(a.daemon.supervisor_.on(id, said, a.daemon.time));
    };
    const int main_pid = a.daemon.programs().find(id)->status.main_pid;
    say(main_pid, {.state = notify_state::ready, .status = "warming up", .errno_value = 5});
    say(main_pid + 1, {.status = "a child, to which notify_access main does not listen"});
    a.daemon.time.monotonic += std::chrono::milliseconds(1500);
    const auto status = protocol::program_statuses_from_json(a.ask("GET", "/v1/programs/db").body);
    REQUIRE(status);
    const protocol::program_status& p = status->front();
    CHECK(p.type == "notify-reload");
    CHECK(p.sub_state == "running");
    CHECK(p.status_text == "warming up");
    CHECK(p.status_errno == 5);
    CHECK(p.notify_access == "main"); // nothing is configured
    CHECK(p.ignored_notifications == 1);
    CHECK(p.watchdog_usec == 5'000'000);
    CHECK(p.next_watchdog_in_sec == 3.5);
    CHECK(p.control_group == "/procctld/db");
    CHECK(p.n_file_descriptor_store == 2);
    CHECK(p.explanation == R"(running: "warming up"; its watchdog waits for WATCHDOG=1, 3.5s more)");
}

TEST_CASE("who started a program by its own end is named", "[routes]")
{
    api a;
    const instance_id id = a.daemon.programs().find("batch")->id;
    start_requested wanted;
    wanted.monitored.emplace().unit = "web";
    wanted.monitored->result = service_result::signal;
    a.daemon.carry_out(a.daemon.supervisor_.on(id, wanted, a.daemon.time));
    const auto status = protocol::program_statuses_from_json(a.ask("GET", "/v1/programs/batch").body);
    REQUIRE(status);
    CHECK(status->front().monitored == "web");
    CHECK(status->front().monitored_result == "signal");
}

TEST_CASE("where output goes, how that fares, and what came last", "[routes]")
{
    api a;
    output_view& output = a.daemon.output;
    output.standard_error = output_place{.path = "/var/log/procctl/web.err", .dropped = 12};
    output.standard_output.trouble = "cannot write /var/log/procctl/web.log: No space left on device";
    output.standard_output.trouble_since = wall_time{std::chrono::seconds(1'700'000'000)};
    output.standard_output.dropped = 500;
    output.on_error = log_error_action::drop;
    a.daemon.ended("web", {exit_code_kind::exited, 1});
    a.daemon.wrote("web", "gr\xc3\xbcn \xff\x1b[0m\n");
    const auto status = protocol::program_statuses_from_json(a.ask("GET", "/v1/programs/web").body);
    REQUIRE(status);
    const protocol::program_status& p = status->front();
    CHECK(p.log_path == "/var/log/procctl/web.log");
    CHECK(p.stderr_log_path == "/var/log/procctl/web.err");
    CHECK(p.log_error == "cannot write /var/log/procctl/web.log: No space left on device");
    CHECK(p.log_error_timestamp == 1'700'000'000'000'000);
    CHECK(p.on_log_error == "drop");
    CHECK(p.dropped_output == 512);
    CHECK(p.log_note.empty());
    CHECK(p.explanation.ends_with(". Its output is thrown away, for its log cannot be written"));
    CHECK(p.last_output == "grün \xef\xbf\xbd\x1b[0m\n");
    const std::string shown = a.ask("GET", "/v1/programs/web/properties").body;
    CHECK(shown.find(R"("last_output":"grün )"
                     "\xef\xbf\xbd"
                     R"(\u001b[0m\n")") != std::string::npos);
    CHECK(shown.find(R"("dropped_output":512)") != std::string::npos);
}

TEST_CASE("of two logs in trouble the one is named that was the first", "[routes]")
{
    api a;
    const auto at = [](int second) { return wall_time{std::chrono::seconds(second)}; };
    output_view& output = a.daemon.output;
    output.standard_error = output_place{.path = "/err", .trouble = "second", .trouble_since = at(20)};
    output.standard_output.trouble = "first";
    output.standard_output.trouble_since = at(10);
    const auto shown = [&] {
        return protocol::program_statuses_from_json(a.ask("GET", "/v1/programs/web").body)->front();
    };
    CHECK(shown().log_error == "first");
    CHECK(shown().log_error_timestamp == 10'000'000);
    CHECK(shown().on_log_error == "wait");
    CHECK(shown().explanation.ends_with(". Its output waits in the pipe, for its log cannot be written"));
    output.standard_error->trouble_since = at(5);
    CHECK(shown().log_error == "second");
    CHECK(shown().log_error_timestamp == 5'000'000);
    output.standard_error->trouble_since = at(20);
    output.standard_output.trouble.clear();
    CHECK(shown().log_error == "second");
    output.standard_error.reset();
    CHECK(shown().log_error.empty());
    CHECK(shown().log_error_timestamp == 0);
    CHECK(shown().explanation.find("its log") == std::string::npos);
}

TEST_CASE("where to look for output that is in no file", "[routes]")
{
    api a;
    output_view& output = a.daemon.output;
    const auto note = [&] {
        return protocol::program_statuses_from_json(a.ask("GET", "/v1/programs/web").body)->front().log_note;
    };
    output.standard_output.note = "is thrown away";
    CHECK(note() == "output is thrown away");
    output.standard_error = output_place{.path = {}, .note = "goes to the journal"};
    CHECK(note() == "standard output is thrown away; standard error goes to the journal");
    output.standard_output.note.clear();
    CHECK(note() == "standard error goes to the journal");
    output.standard_error->note.clear();
    CHECK(note().empty());
}

TEST_CASE("what is wrong with a request", "[routes]")
{
    api a;
    std::string all;
    for (const char* const target :
         {"/v1/programs/wbe", "/v1/programs/wroker@1", "/v1/programs/@fast",
          "/v1/programs?pattern=web&pattern=x", "/v1/programs/web/log?lines=-1",
          "/v1/programs/web/log?lines=1000001", "/v1/programs/web/log?follow=maybe",
          "/v1/programs/web/log?pattern=web", "/v1/log", "/v1/programs/web?colour=green", "/v1/daemon?x",
          "/v1/nothing", "/", "/v2/programs", "/v1//x", "/v1/%zz", "nonsense"})
        all += a.text("GET", target);
    for (const char* const target :
         {"/v1/programs/web/kill?signal=SIGFOO", "/v1/programs/web/kill?whom=me", "/v1/programs/batch/kill",
          "/v1/programs/web/start?wait=perhaps", "/v1/programs/web", "/v1/version"})
        all += a.text("POST", target);
    all += a.text("DELETE", "/v1/programs/web");
    all += a.text("PUT", "/v1/jobs");
    for (const char* const body :
         {"", "{", R"({"job":"kill","names":["web"]})", R"({"job":"start","names":["web","x"]})"})
        all += a.text("POST", "/v1/jobs", body);
    check_golden("control/errors.txt", all);
    CHECK(a.daemon.calls.empty());
}

TEST_CASE("jobs are run for every instance that is named, once", "[routes]")
{
    api a;
    CHECK(a.ask("POST", "/v1/programs/worker/restart").status == 200);
    CHECK(a.daemon.calls.back() == "restart of 2 by 1000");
    CHECK(a.ask("POST", "/v1/programs/all/stop").status == 200);
    CHECK(a.daemon.calls.back() == "stop of 4 by 1000");
    CHECK(a.ask("POST", "/v1/jobs", R"({"job":"start","names":["worker@2","worker","web","all"]})").status ==
          200);
    CHECK(a.daemon.calls.back() == "start of 4 by 1000");
    CHECK(a.ask("POST", "/v1/jobs?wait=false", R"({"job":"stop","names":["web"]})").body ==
          R"([{"name":"web","job":"stop","outcome":"queued","explanation":""}])");
    CHECK(a.daemon.calls.back() == "stop of 1 by 1000 without waiting");
}

TEST_CASE("what a request may ask for is bounded", "[routes]")
{
    api a;
    const auto start = [&](const std::vector<std::string>& names) {
        return a.ask("POST", "/v1/jobs", to_json(protocol::job_request{.job = "start", .names = names}))
            .status;
    };
    CHECK(start(std::vector<std::string>(1000, "all")) == 200);
    CHECK(a.daemon.calls.back() == "start of 4 by 1000");
    CHECK(start(std::vector<std::string>(1001, "all")) == 400);
    CHECK(start({std::string(256, '*')}) == 200);
    CHECK(start({std::string(257, '*')}) == 400);
}

TEST_CASE("what became of jobs", "[routes]")
{
    api a;
    std::string all = a.text("POST", "/v1/programs/web/restart");
    all += a.text("POST", "/v1/programs/worker/stop");
    for (const job_outcome outcome :
         {job_outcome::failed, job_outcome::canceled, job_outcome::start_limit_hit, job_outcome::timeout}) {
        a.daemon.outcome = outcome;
        all += a.text("POST", "/v1/programs/batch/start");
    }
    check_golden("control/jobs.txt", all);
}

TEST_CASE("a reload that cannot be, and what there was nothing to do for", "[routes]")
{
    api a;
    program_config picky = program("picky");
    picky.condition_path_exists = {{.path = "/a"}, {.path = "/b", .is_negated = true}};
    picky.assert_path_exists = {{.path = "/c"}};
    picky.autostart = false;
    program_config idle = program("idle");
    idle.autostart = false;
    a.daemon.load({program("web"), picky, idle});

    a.daemon.outcome = job_outcome::unsupported;
    std::string all = a.text("POST", "/v1/programs/web/reload");
    a.daemon.outcome = job_outcome::invalid;
    all += a.text("POST", "/v1/jobs", R"({"job":"reload","names":["idle"]})");
    a.daemon.outcome = job_outcome::assert_failed;
    a.daemon.asserts_hold = false;
    all += a.text("POST", "/v1/programs/picky/start");
    a.daemon.outcome = job_outcome::done;
    a.daemon.asserts_hold = true;
    a.daemon.conditions_hold = false;
    all += a.text("POST", "/v1/programs/picky/start");
    all += a.text("POST", "/v1/jobs", R"({"job":"try-restart","names":["web","idle"]})");
    check_golden("control/skipped.txt", all);
}

TEST_CASE("kill signals what has a process", "[routes]")
{
    api a;
    CHECK(a.ask("POST", "/v1/programs/all/kill").body.find("batch") == std::string::npos);
    CHECK(a.daemon.calls.back() == "kill 15 all of 3");
    CHECK(a.ask("POST", "/v1/programs/worker@1/kill?signal=INT&whom=main").status == 200);
    CHECK(a.daemon.calls.back() == "kill 2 main of 1");
    CHECK(a.ask("POST", "/v1/programs/batch/kill").status == 409);
    CHECK(a.ask("POST", "/v1/programs/web/kill?whom=control").body ==
          R"({"kind":"not-running","message":"'web' has no control process that could be signalled"})");
    CHECK(a.daemon.calls.size() == 2);

    program_config task = program("task");
    task.exec_start_post = {{.argv = {"/bin/after"}}};
    a.daemon.load({task});
    CHECK(a.ask("POST", "/v1/programs/task/kill?whom=control").status == 200);
    CHECK(a.daemon.calls.back() == "kill 15 control of 1");
    CHECK(a.ask("GET", "/v1/programs/task").body.find(R"("control_command":"exec_start_post")") !=
          std::string::npos);
}

TEST_CASE("reset-failed answers for each", "[routes]")
{
    api a;
    CHECK(a.ask("POST", "/v1/programs/worker/reset-failed").body ==
          R"([{"name":"worker@1","job":"reset-failed","outcome":"done","explanation":""},)"
          R"({"name":"worker@2","job":"reset-failed","outcome":"done","explanation":""}])");
    CHECK(a.daemon.calls.back() == "reset-failed of 2");
}

TEST_CASE("what an update answers", "[routes]")
{
    api a;
    a.daemon.next_update = {
        .ok = true,
        .change = {.start = {"web"},
                   .add = {},
                   .restart = {"worker@1"},
                   .replace = {},
                   .stop = {"old"},
                   .remove = {}},
        .problems = {{severity::warning, {"/etc/procctl/conf.d/b.yml", 0, 0}, "not read"}},
        .jobs = {{1, "web", job_outcome::done},
                 {2, "worker@1", job_outcome::done},
                 {99, "old", job_outcome::done}}};
    std::string all = a.text("POST", "/v1/update");
    all += a.text("POST", "/v1/update?wait=false");
    a.daemon.next_update.jobs.back().outcome = job_outcome::failed;
    all += a.text("POST", "/v1/update");
    a.daemon.next_update = {
        .ok = false,
        .change = {},
        .problems = {{severity::error, {"/etc/procctl/conf.d/b.yaml", 3, 5}, "unknown key"}},
        .jobs = {}};
    all += a.text("POST", "/v1/update?dry_run=true");
    check_golden("control/update.txt", all);
    CHECK(a.daemon.calls ==
          std::vector<std::string>{"update", "update without waiting", "update", "update dry"});
}

TEST_CASE("what is said of the daemon", "[routes]")
{
    api a;
    a.daemon.facts_.configuration_problems = {
        {severity::error, {"/etc/procctl/conf.d/bad.yaml", 4, 5}, "unknown key 'foo'"}};
    check_golden("control/daemon.txt", a.text("GET", "/v1/daemon"));
    CHECK(a.ask("GET", "/v1/version").body == R"({"version":")" PROCCTL_VERSION R"(","api":"v1"})");
}

TEST_CASE("the daemon shuts down after it has said so", "[routes]")
{
    api a;
    const http_reply reply = a.ask("POST", "/v1/daemon/shutdown");
    CHECK(reply.status == 200);
    CHECK(a.daemon.calls.empty());
    reply.after();
    CHECK(a.daemon.calls.back() == "shutdown by 1000");
}

TEST_CASE("the connection of a log or a source is given away", "[routes]")
{
    api a;
    const auto give = [&](const std::string& target) {
        const response got = a.raw("GET", target);
        REQUIRE(std::holds_alternative<hand_over>(got));
        CHECK(std::get<hand_over>(got).to(unique_fd(::open("/dev/null", O_WRONLY | O_CLOEXEC))));
        return a.daemon.calls.back();
    };
    // The fake writes its response to what it is given.
    CHECK(give("/v1/programs/worker/log?lines=3") == "log of worker@1 worker@2 3");
    CHECK(give("/v1/log?pattern=web&pattern=worker@1&follow=true") == "log of web worker@1 10 follow");
    CHECK(give("/v1/log?pattern=web&since=5&until=6&stream=stderr&grep=a%7Cb&output=json") ==
          "log of web all since 5 until 6 of stderr with a|b as json");
    CHECK(give("/v1/programs/web/log?color=true&grep=x&follow") == "log of web 10 follow with x in color");
    CHECK(give("/v1/programs/worker/source") == "source of 1 from line 12");
}

TEST_CASE("who may not is told so", "[routes]")
{
    api a;
    a.who.uid = 1001;
    a.rules.others = access::read;
    CHECK(a.ask("GET", "/v1/programs").status == 200);
    CHECK(a.ask("POST", "/v1/programs/web/stop").body ==
          R"({"kind":"not-permitted","message":"user 1001 may not control this daemon"})");
    a.rules.others = access::none;
    CHECK(a.ask("GET", "/v1/programs").body ==
          R"({"kind":"not-permitted","message":"user 1001 may not read from this daemon"})");
    for (const route& r : routes()) {
        std::string path(r.path);
        if (const std::size_t at = path.find("{name}"); at != std::string::npos) path.replace(at, 6, "web");
        CAPTURE(path);
        CHECK(a.ask(std::string(r.method), path).status == 403);
    }
    CHECK(a.daemon.calls.empty());
}

TEST_CASE("HEAD is answered where GET is", "[routes]")
{
    api a;
    CHECK(a.ask("HEAD", "/v1/programs").status == 200);
    CHECK(a.ask("HEAD", "/v1/jobs").status == 405);
}
