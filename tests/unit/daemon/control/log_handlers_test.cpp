#include "daemon/control/routes.h"
#include "tests/support/catch.h"
#include "tests/unit/daemon/control/fake_backend.h"

using namespace procctl;

namespace {

struct api {
    fake_backend daemon;
    requester who{.uid = 0, .pid = 1};

    api()
    {
        program_config web;
        web.name = "web";
        program_config worker;
        worker.name = "worker";
        worker.instances = 2;
        daemon.load({web, worker});
    }
    http_reply rotate(const std::string& name)
    {
        http_reply got;
        const response answered =
            answer({.method = "POST", .target = "/v1/programs/" + name + "/log/rotate", .body = ""}, who, {},
                   daemon);
        if (const auto* const now = std::get_if<http_reply>(&answered)) return *now;
        std::get<deferred_reply>(answered).begin(
            [&](final_response reply) { got = std::get<http_reply>(std::move(reply)); });
        CHECK(got.body.empty());
        daemon.answer_requests();
        return got;
    }
};

} // namespace

TEST_CASE("logs are rotated on demand", "[log_handlers]")
{
    api a;
    const http_reply done = a.rotate("worker");
    CHECK(done.status == 200);
    CHECK(done.body == R"([{"name":"worker@1","job":"rotate-log","outcome":"done","explanation":""},)"
                       R"({"name":"worker@2","job":"rotate-log","outcome":"done","explanation":""}])");
    CHECK(a.daemon.calls.back() == "rotate logs of 2 by 0");
}

TEST_CASE("a log that cannot be rotated says why", "[log_handlers]")
{
    api a;
    a.daemon.next_rotation.result = log_rotation::outcome::failed;
    a.daemon.next_rotation.explanation = "its output goes to the journal";
    const http_reply failed = a.rotate("web");
    CHECK(failed.status == 409);
    CHECK(failed.body ==
          R"({"kind":"job-failed","message":"1 of 1 log could not be rotated","jobs":[{"name":"web",)"
          R"("job":"rotate-log","outcome":"failed","explanation":"its output goes to the journal"}]})");

    a.daemon.next_rotation.result = log_rotation::outcome::skipped;
    a.daemon.next_rotation.explanation = "it is empty";
    CHECK(a.rotate("web").status == 200);
    CHECK(a.rotate("nope").status == 404);
}
