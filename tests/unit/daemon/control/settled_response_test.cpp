// Replies that would tell of an end wait for the output that belongs to it.

#include "daemon/control/routes.h"
#include "daemon/control/settled_response.h"
#include "tests/support/catch.h"
#include "tests/unit/daemon/control/fake_backend.h"

#include <fcntl.h>

using namespace procctl;

namespace {

struct late_output {
    fake_backend daemon;
    std::vector<final_response> came;

    late_output()
    {
        program_config web;
        web.name = "web";
        web.restart = restart_mode::no;
        program_config other;
        other.name = "other";
        daemon.load({web, other});
        daemon.ended("web", {exit_code_kind::exited, 1});
        daemon.is_output_late = true;
    }

    response ask(std::string method, std::string target, std::string body = {})
    {
        return answer({std::move(method), std::move(target), std::move(body)}, {.uid = 0, .pid = 1},
                      {.own_uid = 0}, daemon);
    }
    // Whatever comes of it goes to `came`.
    void wait_for(const response& r)
    {
        REQUIRE(std::holds_alternative<deferred_reply>(r));
        std::get<deferred_reply>(r).begin([this](final_response f) { came.push_back(std::move(f)); });
    }
    void output_arrives()
    {
        daemon.wrote("web", "cannot bind: Address already in use\n");
        daemon.settle();
    }
    [[nodiscard]] std::string body(std::size_t n = 0) const { return std::get<http_reply>(came.at(n)).body; }
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

const std::string said = R"(cannot bind: Address already in use)";

} // namespace

TEST_CASE("with nothing on its way the response is there at once", "[settled]")
{
    late_output l;
    l.daemon.settle();
    int made = 0;
    const response r = settled_response(l.daemon, {0}, [&] {
        ++made;
        return http_reply{.status = 200, .body = "now"};
    });
    REQUIRE(std::holds_alternative<http_reply>(r));
    CHECK(std::get<http_reply>(r).body == "now");
    CHECK(made == 1);
    for (const char* const target : {"/v1/programs", "/v1/programs/web", "/v1/programs/web/properties"})
        CHECK(std::holds_alternative<http_reply>(l.ask("GET", target)));
    CHECK(std::holds_alternative<hand_over>(l.ask("GET", "/v1/programs/web/log")));
}

TEST_CASE("what shows states waits, and then shows them as they are", "[settled]")
{
    late_output l;
    const std::string target = GENERATE(as<std::string>{}, "/v1/programs", "/v1/programs?pattern=web",
                                        "/v1/programs/web", "/v1/programs/web/properties");
    CAPTURE(target);
    l.wait_for(l.ask("GET", target));
    CHECK(l.came.empty());
    l.daemon.time.wall += std::chrono::hours(1);
    l.output_arrives();
    REQUIRE(l.came.size() == 1);
    CHECK(has(l.body(), "\"last_output\":\"" + said + "\\n\""));
    CHECK(has(l.body(), "its last words: \\\"" + said));
}

TEST_CASE("a log is handed over once all is in it", "[settled]")
{
    late_output l;
    l.wait_for(l.ask("GET", "/v1/programs/web/log?lines=3&follow=true"));
    CHECK(l.came.empty());
    l.output_arrives();
    REQUIRE(l.came.size() == 1);
    REQUIRE(std::holds_alternative<hand_over>(l.came[0]));
    CHECK(std::get<hand_over>(l.came[0]).to(unique_fd(::open("/dev/null", O_WRONLY | O_CLOEXEC))));
    CHECK(l.daemon.calls.back() == "log of web 3 follow");
}

TEST_CASE("the reply to a job that is done waits", "[settled]")
{
    late_output l;
    l.daemon.outcome = job_outcome::failed;
    const bool is_post = GENERATE(true, false);
    l.wait_for(is_post ? l.ask("POST", "/v1/jobs", R"({"job":"stop","names":["web"]})")
                       : l.ask("POST", "/v1/programs/web/stop"));
    CHECK(l.daemon.calls.back() == "stop of 1 by 0"); // that does not wait
    l.daemon.answer_requests();
    CHECK(l.daemon.calls.back() == "output of 1 awaited");
    CHECK(l.came.empty());
    l.output_arrives();
    REQUIRE(l.came.size() == 1);
    CHECK(has(l.body(), R"("kind":"job-failed")"));
    CHECK(has(l.body(), said));
}

TEST_CASE("a job that nobody waits for is answered at once", "[settled]")
{
    late_output l;
    l.wait_for(l.ask("POST", "/v1/programs/web/start?wait=false"));
    l.daemon.answer_requests();
    REQUIRE(l.came.size() == 1);
    CHECK(has(l.body(), R"("outcome":"queued")"));
    CHECK(l.daemon.unsettled.empty());
}

TEST_CASE("an update tells of ends, too", "[settled]")
{
    late_output l;
    l.daemon.next_update = {
        .ok = true,
        .change = {.start = {}, .add = {}, .restart = {"web"}, .replace = {}, .stop = {}, .remove = {}},
        .problems = {},
        .jobs = {{0, "web", job_outcome::failed}}};
    l.wait_for(l.ask("POST", "/v1/update"));
    l.daemon.answer_requests();
    CHECK(l.came.empty());
    l.output_arrives();
    REQUIRE(l.came.size() == 1);
    CHECK(has(l.body(), R"("kind":"job-failed")"));
}

TEST_CASE("a signal is sent at once, its reply waits", "[settled]")
{
    late_output l;
    l.wait_for(l.ask("POST", "/v1/programs/all/kill"));
    CHECK(l.daemon.calls == std::vector<std::string>{"kill 15 all of 1", "output of 1 awaited"});
    // That there is no process tells of its end.
    l.wait_for(l.ask("POST", "/v1/programs/web/kill"));
    CHECK(l.came.empty());
    l.output_arrives();
    REQUIRE(l.came.size() == 2);
    CHECK(l.body(0) == R"([{"name":"other","job":"kill","outcome":"done","explanation":""}])");
    CHECK(std::get<http_reply>(l.came[1]).status == 409);
}

TEST_CASE("instances that go while a reply waits are not in it", "[settled]")
{
    late_output l;
    l.wait_for(l.ask("GET", "/v1/programs"));
    l.wait_for(l.ask("GET", "/v1/programs/web/properties"));
    l.wait_for(l.ask("GET", "/v1/programs/web/log"));
    l.wait_for(l.ask("POST", "/v1/programs/web/start"));
    l.daemon.answer_requests();
    l.daemon.load({}); // what is up is stopped first, and the fake's processes end at once
    REQUIRE(l.daemon.programs().size() == 0);
    l.daemon.settle();
    REQUIRE(l.came.size() == 4);
    CHECK(l.body(0) == "[]");
    CHECK(l.body(1) == "[]");
    CHECK(std::holds_alternative<hand_over>(l.came[2]));
    CHECK(l.body(3) == R"([{"name":"web","job":"start","outcome":"done","explanation":""}])");
}

TEST_CASE("output that arrives before anybody waits for it is not missed", "[settled]")
{
    late_output l;
    const response r = l.ask("GET", "/v1/programs/web");
    l.output_arrives();
    l.wait_for(r);
    REQUIRE(l.came.size() == 1);
    CHECK(has(l.body(), said));
}

TEST_CASE("nobody waits, and nothing is made for nobody", "[settled]")
{
    late_output l;
    int made = 0;
    static_cast<void>(settled_response(l.daemon, {0}, [&] {
        ++made;
        return http_reply{};
    }));
    l.daemon.settle();
    CHECK(made == 0);
}
