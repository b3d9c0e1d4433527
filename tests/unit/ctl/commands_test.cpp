// Every command from its words to what it prints and its exit status, against a daemon of canned replies.

#include "ctl/command_line.h"
#include "tests/support/golden.h"
#include "tests/unit/ctl/fake_connection.h"

#include <thread>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

using namespace procctl;
using namespace procctl::ctl;
using test::check_golden;
using words = std::vector<std::string>;

namespace {

outcome run(const words& given, fake_connection& daemon)
{
    const auto parsed = parse_command_line(given);
    if (const auto* const end = std::get_if<early_end>(&parsed)) return {end->status, end->text, ""};
    const auto& [what, opts] = std::get<parsed_command>(parsed);
    std::ostringstream out;
    std::ostringstream err;
    session s{opts, daemon, out, err, plain_view()};
    const int status = what->run(s);
    return {status, out.str(), err.str()};
}

constexpr const char* unknown_nope = R"({"kind":"no-such-program","message":"no program is named 'nope'"})";

// Knows web (up), mail (failed) and worker@1 (waiting for its restart).
struct sample_daemon : fake_connection {
    sample_daemon()
    {
        const auto list = [](std::vector<protocol::program_status> programs) {
            return api_reply{200, to_json(programs) + '\n'};
        };
        replies["GET /v1/programs"] = list(sample_programs());
        replies["GET /v1/programs?pattern=web"] = list({running_web()});
        replies["GET /v1/programs?pattern=mail"] = list({failed_mail()});
        replies["GET /v1/programs?pattern=worker"] = list({waiting_worker()});
        replies["GET /v1/programs?pattern=web&pattern=worker"] = list({running_web(), waiting_worker()});
        replies["GET /v1/programs?pattern=nope"] = {404, unknown_nope};
        replies["GET /v1/programs?pattern=web&pattern=nope"] = {404, unknown_nope};
        replies["GET /v1/programs?pattern=mail&pattern=nope"] = {404, unknown_nope};
        replies["GET /v1/programs/web"] = list({running_web()});
        replies["GET /v1/programs/mail"] = list({failed_mail()});
        replies["GET /v1/programs/nope"] = {404, unknown_nope};
        replies["GET /v1/programs/web/log?lines=10"] = {200, "GET /\n"};
        replies["GET /v1/daemon"] = {200,
                                     to_json(protocol::daemon_status{.version = "0.1.0", .problems = {}})};
        replies["GET /v1/version"] = {200, to_json(protocol::version_reply{"0.1.0", "v1"})};
    }
};

} // namespace

TEST_CASE("status without names is a table, and problems of the configuration", "[commands]")
{
    sample_daemon daemon;
    std::string text = run({"status"}, daemon).text();
    daemon.replies["GET /v1/daemon"] = {
        200, to_json(protocol::daemon_status{
                 .version = "0.1.0",
                 .problems = {{"error", "/etc/procctl/conf.d/bad.yaml", 4, 5, "unknown key 'foo'"}}})};
    text += '\n' + run({"status"}, daemon).text();
    daemon.replies["GET /v1/programs"] = {200, "[]"};
    text += '\n' + run({"status"}, daemon).text();
    check_golden("ctl/command-status.txt", text);
}

TEST_CASE("the exit status of status", "[commands]")
{
    sample_daemon daemon;
    CHECK(run({"status"}, daemon).status == exit_done); // though one has failed
    CHECK(run({"status", "web"}, daemon).status == exit_done);
    CHECK(run({"status", "mail"}, daemon).status == exit_not_active);
    CHECK(run({"status", "worker"}, daemon).status == exit_not_active);
    CHECK(run({"status", "web", "worker"}, daemon).status == exit_not_active);
    CHECK(run({"status", "nope"}, daemon).status == exit_unknown);
    CHECK(run({"status", "mail", "nope"}, daemon).status == exit_unknown);
}

TEST_CASE("an unknown name does not hide the others", "[commands]")
{
    sample_daemon daemon;
    const outcome text = run({"status", "web", "nope"}, daemon);
    CHECK(text.err == "procctl: no program is named 'nope'\n");
    CHECK(text.out.find("Front end") != std::string::npos);
    CHECK(text.out.find("GET /\n") != std::string::npos);

    const outcome json = run({"-o", "json", "status", "web", "nope"}, daemon);
    CHECK(json.out == to_json(std::vector{running_web()}) + '\n');
    CHECK(json.status == exit_unknown);
    CHECK(run({"status", "nope", "-o", "json"}, daemon).out == "[]\n");
}

TEST_CASE("json is the daemon's reply as it is", "[commands]")
{
    sample_daemon daemon;
    daemon.replies["GET /v1/programs"] = {200, R"([{"name":"web","from_the_future":1}])"};
    CHECK(run({"status", "-o", "json"}, daemon).out == R"([{"name":"web","from_the_future":1}])");
}

TEST_CASE("is-active and is-failed answer with their exit status", "[commands]")
{
    sample_daemon daemon;
    CHECK(run({"is-active", "web"}, daemon).text() == "active\n[exit status 0]\n");
    CHECK(run({"is-active", "worker"}, daemon).text() == "activating\n[exit status 3]\n");
    CHECK(run({"is-active", "web", "worker"}, daemon).status == exit_done);
    CHECK(run({"is-active", "web", "nope"}, daemon).status == exit_done);
    CHECK(run({"is-active", "mail", "nope"}, daemon).status == exit_unknown);
    CHECK(run({"is-active", "-q", "mail"}, daemon).text() == "[exit status 3]\n");
    CHECK(run({"is-active", "-q", "nope"}, daemon).text() == "[exit status 4]\n");
    CHECK(run({"is-failed", "mail"}, daemon).text() == "failed\n[exit status 0]\n");
    CHECK(run({"is-failed", "web"}, daemon).text() == "active\n[exit status 1]\n");
    CHECK(run({"is-failed", "nope"}, daemon).status == exit_unknown);
}

TEST_CASE("jobs of several programs are one request, and wait", "[commands]")
{
    const std::string verb = GENERATE(as<std::string>{}, "start", "stop", "restart", "try-restart", "reload");
    sample_daemon daemon;
    const std::string body = R"({"job":")" + verb + R"(","names":["web","worker"]})";
    daemon.replies["POST /v1/jobs"] = {200,
                                       to_json(std::vector<protocol::job_reply>{{"web", verb, "done", ""}})};
    daemon.replies["POST /v1/jobs?wait=false"] = {
        200, to_json(std::vector<protocol::job_reply>{{"web", verb, "queued", ""}})};
    CHECK(run({verb, "web", "worker"}, daemon).status == exit_done);
    CHECK(daemon.asked.back() == "POST /v1/jobs " + body);
    CHECK(run({verb, "web", "worker", "--no-wait"}, daemon).out == "web: " + verb + " queued\n");
    CHECK(daemon.asked.back() == "POST /v1/jobs?wait=false " + body);
}

TEST_CASE("a reload of what cannot reload has failed, and a start that was skipped has not", "[commands]")
{
    sample_daemon daemon;
    const std::vector<protocol::job_reply> refused{
        {"mail", "reload", "invalid", "mail is not active, cannot reload"}};
    daemon.replies["POST /v1/jobs"] = {409, to_json({"job-failed", "1 of 1 job failed"}, refused)};
    const outcome reload = run({"reload", "mail"}, daemon);
    CHECK(reload.status == exit_failed);
    CHECK(reload.err.starts_with("mail: reload not possible: mail is not active, cannot reload\n"));
    daemon.replies["POST /v1/jobs"] = {
        200, to_json(std::vector<protocol::job_reply>{{"mail", "start", "skipped", "not started: …"}})};
    const outcome start = run({"start", "mail"}, daemon);
    CHECK(start.status == exit_done);
    CHECK(start.out == "mail: start skipped: not started: …\n");
}

TEST_CASE("a program that reloads is active", "[commands]")
{
    sample_daemon daemon;
    daemon.replies["GET /v1/programs?pattern=api"] = {200, to_json(std::vector{reloading_api()})};
    CHECK(run({"is-active", "api"}, daemon).text() == "reloading\n[exit status 0]\n");
    CHECK(run({"status", "api"}, daemon).status == exit_done);
}

TEST_CASE("a job that fails says why, and how to see more", "[commands]")
{
    sample_daemon daemon;
    const std::vector<protocol::job_reply> jobs{{"web", "start", "done", ""},
                                                {"mail", "start", "failed",
                                                 "exited with status 203 (EXEC): cannot "
                                                 "execute /opt/mail: No such file or directory"}};
    daemon.replies["POST /v1/jobs"] = {409, to_json({"job-failed", "1 of 2 jobs failed"}, jobs)};
    check_golden("ctl/command-start-failed.txt", run({"start", "web", "mail"}, daemon).text());
    const outcome json = run({"start", "web", "mail", "-o", "json"}, daemon);
    CHECK(json.out == daemon.replies["POST /v1/jobs"].body);
    CHECK(json.err.empty());
    CHECK(json.status == exit_failed);
}

TEST_CASE("nothing is started when one of the names is unknown", "[commands]")
{
    sample_daemon daemon;
    daemon.replies["POST /v1/jobs"] = {404, unknown_nope};
    CHECK(run({"start", "web", "nope"}, daemon).text() ==
          "[stderr]\nprocctl: no program is named 'nope'\n[exit status 4]\n");
    CHECK(daemon.asked.size() == 1);
}

TEST_CASE("kill and reset-failed go to each name", "[commands]")
{
    sample_daemon daemon;
    const auto done = [](const char* name, const char* job) {
        return api_reply{200, to_json(std::vector<protocol::job_reply>{{name, job, "done", ""}})};
    };
    daemon.replies["POST /v1/programs/web/kill?signal=SIGTERM&whom=all"] = done("web", "kill");
    daemon.replies["POST /v1/programs/worker@1/kill?signal=RTMIN%2B3&whom=main"] = done("worker@1", "kill");
    daemon.replies["POST /v1/programs/mail/kill?signal=SIGTERM&whom=all"] = {
        409, R"({"kind":"not-running","message":"'mail' has no process that could be signalled"})"};
    daemon.replies["POST /v1/programs/web/kill?signal=FOO&whom=all"] = {
        400, R"({"kind":"bad-request","message":"unknown signal"})"};
    daemon.replies["POST /v1/programs/all/reset-failed"] = done("web", "reset-failed");
    CHECK(run({"kill", "web"}, daemon).text() == "web: signalled\n[exit status 0]\n");
    CHECK(run({"kill", "-s", "RTMIN+3", "--kill-whom", "main", "worker@1"}, daemon).status == exit_done);
    CHECK(run({"kill", "mail", "web"}, daemon).status == exit_failed);
    CHECK(daemon.asked.back() == "POST /v1/programs/web/kill?signal=SIGTERM&whom=all");
    CHECK(run({"kill", "-s", "FOO", "web"}, daemon).status == exit_usage);
    CHECK(run({"reset-failed"}, daemon).text() == "web: reset\n[exit status 0]\n");
}

TEST_CASE("names are encoded into the path", "[commands]")
{
    sample_daemon daemon;
    static_cast<void>(run({"cat", "a/b?c d%"}, daemon));
    CHECK(daemon.asked.back() == "GET /v1/programs/a%2Fb%3Fc%20d%25/source");
}

TEST_CASE("logs and cat pass on what comes", "[commands]")
{
    sample_daemon daemon;
    daemon.replies["GET /v1/log?pattern=web&pattern=@batch&lines=3&follow=true"] = {200, "a\nb\n"};
    daemon.replies["GET /v1/programs/web/source"] = {200, "programs:\n  web:\n"};
    daemon.replies["GET /v1/programs/nope/source"] = {404, unknown_nope};
    CHECK(run({"logs", "-f", "-n", "3", "web", "@batch"}, daemon).text() == "a\nb\n[exit status 0]\n");
    CHECK(run({"cat", "web"}, daemon).text() == "programs:\n  web:\n[exit status 0]\n");
    CHECK(run({"cat", "nope"}, daemon).status == exit_unknown);
}

TEST_CASE("what logs is asked for is what the daemon is asked for", "[commands]")
{
    sample_daemon daemon;
    const auto asked = [&](const words& given) {
        static_cast<void>(run(given, daemon));
        return daemon.asked.back();
    };
    CHECK(asked({"logs", "web"}) == "GET /v1/log?pattern=web");
    CHECK(asked({"logs", "web", "-n", "all"}) == "GET /v1/log?pattern=web&lines=all");
    CHECK(asked({"logs", "web", "--since", "@5.5", "--until", "@1795197389"}) ==
          "GET /v1/log?pattern=web&since=5500000&until=1795197389000000");
    CHECK(asked({"logs", "web", "--stderr", "-g", "a|b c"}) ==
          "GET /v1/log?pattern=web&stream=stderr&grep=a%7Cb%20c");
    CHECK(asked({"logs", "web", "--stdout", "-o", "raw"}) == "GET /v1/log?pattern=web&stream=stdout");
    CHECK(asked({"-o", "json", "logs", "web"}) == "GET /v1/log?pattern=web&output=json");
    CHECK(asked({"logs", "-o", "json", "web"}) == "GET /v1/log?pattern=web&output=json");
    // A span before now, which here is when the samples were made.
    CHECK(asked({"logs", "web", "--since", "-2h"}).starts_with("GET /v1/log?pattern=web&since=1"));
}

TEST_CASE("logs asked for what cannot be is wrong usage", "[commands]")
{
    sample_daemon daemon;
    const auto [given, message] = GENERATE(table<words, const char*>({
        {words{"logs", "web", "-n", "many"}, "--lines is 'many'; it is a number or all"},
        {words{"logs", "web", "-n", "-1"}, "--lines is '-1'; it is a number or all"},
        {words{"logs", "web", "--since", "noon"}, "--since: 'noon' is not a time since 1970; "},
        {words{"logs", "web", "--stdout", "--stderr"}, "--stdout and --stderr exclude each other"},
        {words{"logs", "web", "--rotate", "-f"},
         "--rotate shows no lines, so no option about them goes with it"},
    }));
    CAPTURE(given);
    const outcome got = run(given, daemon);
    CHECK(got.status == exit_usage);
    CHECK(got.err.starts_with("procctl: " + std::string(message)));
    CHECK(daemon.asked.empty());
}

TEST_CASE("logs are rotated one name at a time", "[commands]")
{
    sample_daemon daemon;
    daemon.replies["POST /v1/programs/web/log/rotate"] = {
        200, R"([{"name":"web","job":"rotate-log","outcome":"done","explanation":""}])"};
    daemon.replies["POST /v1/programs/api/log/rotate"] = {
        409,
        R"({"kind":"job-failed","message":"1 of 1 log could not be rotated","jobs":[)"
        R"({"name":"api","job":"rotate-log","outcome":"failed","explanation":"its output goes nowhere"}]})"};
    CHECK(run({"logs", "--rotate", "web"}, daemon).text() == "web: log rotated\n[exit status 0]\n");
    CHECK(run({"logs", "--rotate", "api", "web"}, daemon).text() ==
          "web: log rotated\n[stderr]\napi: rotate-log failed: its output goes nowhere\n[exit status "
          "1]\n");
}

TEST_CASE("logs that are followed end with the daemon", "[commands]")
{
    sample_daemon daemon;
    const std::string log = "GET /v1/log?pattern=web&follow=true";
    daemon.replies[log] = {.status = 200, .body = "a\n", .is_complete = false};
    CHECK(run({"logs", "-f", "web"}, daemon).text() ==
          "a\n[stderr]\nprocctl: the daemon has broken off its reply; it may be about to end\n"
          "[exit status 5]\n");
    daemon.on_request = [&] {
        if (daemon.asked.back() == log) daemon.unreachable = ECONNREFUSED;
    };
    CHECK(run({"logs", "-f", "web"}, daemon).text() ==
          "a\n[stderr]\nprocctl: the daemon has ended\n[exit status 5]\n");
}

TEST_CASE("help is a command too", "[commands]")
{
    sample_daemon daemon;
    const auto shows_the_same = [&](const words& help, const words& option) {
        const outcome text = run(help, daemon);
        CHECK(text.text() == run(option, daemon).text());
        CHECK(text.status == exit_done);
    };
    shows_the_same({"help"}, {"--help"});
    shows_the_same({"help", "start"}, {"start", "--help"});
    shows_the_same({"help", "daemon", "status"}, {"daemon", "status", "--help"});
    CHECK(run({"help", "daemon"}, daemon).out.find("procctl daemon shutdown") != std::string::npos);
    CHECK(run({"help", "nope"}, daemon).text() ==
          "[stderr]\nprocctl: there is no command 'nope'\nSee `procctl --help`.\n[exit status 2]\n");
    CHECK(daemon.asked.empty());
}

TEST_CASE("show prints properties, all or some", "[commands]")
{
    sample_daemon daemon;
    daemon.replies["GET /v1/programs/worker/properties"] = {
        200, R"([{"name":"worker@1","nice":null},{"name":"worker@2","nice":"5"}])"};
    CHECK(run({"show", "worker"}, daemon).text() ==
          "name=worker@1\nnice=\n\nname=worker@2\nnice=5\n[exit status 0]\n");
    CHECK(run({"show", "-p", "name", "worker"}, daemon).text() ==
          "name=worker@1\n\nname=worker@2\n[exit status 0]\n");
    CHECK(run({"show", "-p", "name,foo", "worker"}, daemon).err == "procctl: no property is named 'foo'\n");
    CHECK(run({"show", "-p", "foo", "worker"}, daemon).status == exit_failed);
}

TEST_CASE("update says what it did, or what is wrong", "[commands]")
{
    sample_daemon daemon;
    protocol::update_reply update{
        .ok = true, .start = {"web"}, .problems = {}, .jobs = {{"web", "start", "done", ""}}};
    daemon.replies["POST /v1/update?dry_run=false"] = {200, to_json(update)};
    update.dry_run = true;
    daemon.replies["POST /v1/update?dry_run=true"] = {200, to_json(update)};
    std::string text = run({"update"}, daemon).text();
    text += run({"update", "--dry-run"}, daemon).text();

    update = {.ok = false,
              .problems = {{"error", "/etc/procctl/conf.d/bad.yaml", 4, 5, "unknown key 'foo'"}},
              .jobs = {}};
    daemon.replies["POST /v1/update?dry_run=false"] = {
        422, to_json({"configuration", "the configuration has errors; nothing was changed"}, update)};
    text += run({"update"}, daemon).text();

    update = {.ok = true,
              .start = {"web"},
              .problems = {},
              .jobs = {{"web", "start", "failed", "exited with status 1"}}};
    daemon.replies["POST /v1/update?dry_run=false"] = {409,
                                                       to_json({"job-failed", "1 of 1 job failed"}, update)};
    text += run({"update"}, daemon).text();
    check_golden("ctl/command-update.txt", text);
    CHECK(run({"update", "-o", "json"}, daemon).out == daemon.replies["POST /v1/update?dry_run=false"].body);
    CHECK(run({"update", "-o", "json"}, daemon).status == exit_failed);
}

TEST_CASE("daemon shutdown waits until it is gone", "[commands]")
{
    sample_daemon daemon;
    const auto daemon_of = [](int pid) {
        return api_reply{200, to_json(protocol::daemon_status{.version = "0.1.0", .pid = pid})};
    };
    daemon.replies["GET /v1/daemon"] = daemon_of(42);
    daemon.replies["POST /v1/daemon/shutdown"] = {200, "{}"};
    int waits = 0;
    SECTION("however often the connection is closed meanwhile")
    {
        daemon.on_wait = [&] { daemon.unreachable = ++waits == 3 ? ECONNREFUSED : 0; };
        CHECK(run({"daemon", "shutdown"}, daemon).text() == "the daemon has ended\n[exit status 0]\n");
        CHECK(waits == 3);
    }
    SECTION("and not for another that takes its place")
    {
        daemon.on_wait = [&] { daemon.replies["GET /v1/daemon"] = daemon_of(++waits == 2 ? 43 : 42); };
        CHECK(run({"daemon", "shutdown"}, daemon).status == exit_done);
        CHECK(waits == 2);
    }
    SECTION("not at the socket but at its process, where that can be seen")
    {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        const unique_fd process(ends[0]);
        unique_fd life(ends[1]);
        std::thread main_loop;
        daemon.end_of_process = process.get();
        daemon.on_request = [&] {
            if (daemon.asked.back() != "POST /v1/daemon/shutdown") return;
            daemon.unreachable = ECONNREFUSED; // the socket is gone at once, the process a little later
            main_loop = std::thread([&] { life.reset(); }); // readable: the end of file
        };
        CHECK(run({"daemon", "shutdown"}, daemon).text() == "the daemon has ended\n[exit status 0]\n");
        main_loop.join();
        CHECK(daemon.asked.back() == "POST /v1/daemon/shutdown");
        pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
        CHECK(::poll(&ended, 1, 0) == 1);
    }
    SECTION("unless it need not")
    {
        CHECK(run({"daemon", "shutdown", "--no-wait"}, daemon).text() ==
              "the daemon is shutting down\n[exit status 0]\n");
        CHECK(daemon.asked.back() == "POST /v1/daemon/shutdown");
    }
}

TEST_CASE("version answers with and without a daemon", "[commands]")
{
    sample_daemon daemon;
    CHECK(run({"version"}, daemon).text() == "procctl " PROCCTL_VERSION
                                             "\nprocctld 0.1.0\n[exit status 0]\n");
    daemon.unreachable = ENOENT;
    CHECK(run({"version"}, daemon).out == "procctl " PROCCTL_VERSION
                                          "\nprocctld: none answers at /run/procctl/procctl.sock\n");
    CHECK(run({"version", "-o", "json"}, daemon).out == "{\"procctl\":\"" PROCCTL_VERSION
                                                        "\",\"procctld\":null}\n");
}

TEST_CASE("a daemon that cannot be reached", "[commands]")
{
    sample_daemon daemon;
    const words given =
        GENERATE(words{"status"}, words{"start", "web"}, words{"kill", "web"}, words{"logs", "web"},
                 words{"update"}, words{"daemon", "status"}, words{"show", "web"});
    CAPTURE(given);
    daemon.unreachable = ENOENT;
    CHECK(run(given, daemon).status == exit_unreachable);
    daemon.unreachable = EACCES;
    CHECK(run(given, daemon).status == exit_forbidden);
}

TEST_CASE("the message names what was tried and the remedy", "[commands]")
{
    sample_daemon daemon;
    daemon.unreachable = ECONNREFUSED;
    std::string text = run({"status"}, daemon).text();
    daemon.unreachable = EACCES;
    text += run({"status"}, daemon).text();
    check_golden("ctl/unreachable.txt", text);
}

TEST_CASE("whom the daemon does not let in", "[commands]")
{
    sample_daemon daemon;
    daemon.replies["POST /v1/jobs"] = {
        403, R"({"kind":"not-permitted","message":"user 7 may not control this daemon"})"};
    CHECK(run({"start", "web"}, daemon).text() ==
          "[stderr]\nprocctl: user 7 may not control this daemon\n[exit status 6]\n");
}

TEST_CASE("a reply that is none is an error, not a crash", "[commands]")
{
    sample_daemon daemon;
    const std::string body = GENERATE(as<std::string>{}, "", "<html>", "[1]", "{}", "null");
    for (auto& [key, reply] : daemon.replies)
        reply = {200, body};
    daemon.replies["POST /v1/jobs"] = {500, body};
    daemon.replies["POST /v1/update?dry_run=false"] = {502, body};
    daemon.replies["GET /v1/programs/web/properties"] = {200, body};
    CAPTURE(body);
    CHECK(run({"status", "web"}, daemon).status == exit_failed);
    CHECK(run({"start", "web"}, daemon).status == exit_failed);
    CHECK(run({"update"}, daemon).status == exit_failed);
    CHECK(run({"show", "web"}, daemon).status == exit_failed);
}
