#include "daemon/job_board.h"
#include "tests/support/catch.h"

using namespace procctl;

TEST_CASE("a request is answered once, when all its jobs are finished", "[jobs]")
{
    job_board board;
    std::vector<std::vector<job_report>> answers;
    auto request =
        board.open([&](std::vector<job_report> reports) { answers.push_back(std::move(reports)); });
    request.add(1, {10, "a", job_outcome::canceled});
    request.add(2, {11, "b", job_outcome::canceled});

    SECTION("in the order of the request, whichever job ends first")
    {
        board.seal(request);
        board.finished(2, job_outcome::failed);
        CHECK(answers.empty());
        board.finished(1, job_outcome::done);
        REQUIRE(answers.size() == 1);
        CHECK(answers[0][0].name == "a");
        CHECK(answers[0][0].outcome == job_outcome::done);
        CHECK(answers[0][1].outcome == job_outcome::failed);
    }
    SECTION("not before it is complete, though its jobs end at once")
    {
        board.finished(1, job_outcome::done);
        board.finished(2, job_outcome::done);
        CHECK(answers.empty());
        board.seal(request);
        CHECK(answers.size() == 1);
    }
    SECTION("a job nobody waits for is no error")
    {
        board.seal(request);
        board.finished(99, job_outcome::done);
        CHECK(answers.empty());
    }
}

TEST_CASE("a request without jobs is answered when it is sealed", "[jobs]")
{
    job_board board;
    int answers = 0;
    auto request = board.open([&](std::vector<job_report>) { ++answers; });
    CHECK(answers == 0);
    board.seal(request);
    CHECK(answers == 1);
}
