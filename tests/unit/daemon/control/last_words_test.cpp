// What a program wrote before it failed is a part of why it is down.

#include "daemon/control/ending.h"
#include "tests/support/catch.h"
#include "tests/unit/daemon/control/situation.h"

#include <signal.h>

using namespace procctl;
using namespace procctl::test;

namespace {

situation failed_with(std::string output)
{
    situation s;
    s.ended(sub_state::failed, service_result::exit_code, exit_of(1), restart_reason::policy_stays);
    s.status.invocation = {1, 7};
    s.status.last_run = {service_result::exit_code, exit_of(1), wall_time{999s}, {1, 7}, std::move(output)};
    s.config.restart = restart_mode::no;
    return s;
}

std::string words(std::string output) { return last_words(failed_with(std::move(output)).status); }

} // namespace

TEST_CASE("the last line that is not blank", "[explanation]")
{
    const std::string said = "; its last words: \"Address already in use\"";
    CHECK(words("starting\nAddress already in use\n") == said);
    CHECK(words("Address already in use") == said);
    CHECK(words("starting\n\tAddress already in use \r\n\n \t\n\x1b[0m\n") == said);
    CHECK(words("starting\n\x1b[1;31mAddress \x1b[0malready in use\x1b[K\n") == said);
    CHECK(words("").empty());
    CHECK(words("\n").empty());
    CHECK(words(" \n\r\n\x1b[0m").empty());
    CHECK(words("\x1b[").empty());
}

TEST_CASE("last words steer no terminal and are bounded", "[explanation]")
{
    CHECK(words("a\x07"
                "b\x7f"
                "c\xc2\x9b"
                "d\x1b]0;e\n") == "; its last words: \"a?b?c?d?]0;e\"");
    CHECK(words("grün \xff\n") == "; its last words: \"grün \xff\""); // JSON makes U+FFFD of it
    CHECK(words(std::string(200, 'x')) == "; its last words: \"" + std::string(200, 'x') + '"');
    std::string umlauts;
    for (int n = 0; n < 200; ++n)
        umlauts += "ü";
    CHECK(words(umlauts + "ü") == "; its last words: \"" + umlauts + "…\"");
    CHECK(words(std::string(64U << 10U, '\x80')).size() < 1000);
    CHECK(words(std::string(64U << 10U, '\n')).empty());
}

TEST_CASE("last words are part of the explanation", "[explanation]")
{
    situation s = failed_with("Address already in use\n");
    CHECK(s.text() == "exited with status 1; with `restart: no` it stays down; its last words: \"Address "
                      "already in use\". `procctl start web` starts it again");
    CHECK(s.job_text(job_kind::start, job_outcome::failed) == s.text());

    SECTION("of one that waits for its restart")
    {
        s.ended(sub_state::auto_restart, service_result::exit_code, exit_of(1),
                restart_reason::policy_restarts);
        s.status.deadline = s.now.monotonic + 3200ms;
        s.config.restart_sec = 3200ms;
        CHECK(s.text() ==
              "exited with status 1; restarts in 3.2s; its last words: \"Address already in use\"");
        s.status.deadline = never;
        CHECK(s.text() ==
              "exited with status 1; restart_sec is infinity, so it waits for `procctl start web`; "
              "its last words: \"Address already in use\"");
    }
    SECTION("of one that the start limit keeps down")
    {
        s.status.start_limit_refused = true;
        CHECK(s.text() == "exited with status 1; start limit hit: started 5 times in 10s; it stays down; its "
                          "last words: \"Address already in use\". `procctl reset-failed web` and `procctl "
                          "start web` start it again");
    }
}

TEST_CASE("who has no last words", "[explanation]")
{
    situation s = failed_with("bye\n");
    const auto check = [&s] {
        CHECK(last_words(s.status).empty());
        CHECK(s.text().find("last words") == std::string::npos);
    };
    SECTION("a run that ended well")
    {
        s.ended(sub_state::dead, service_result::success, exit_of(0), restart_reason::policy_stays);
        s.status.last_run.result = service_result::success;
        check();
    }
    SECTION("one that said no")
    {
        s.status.last_run.result = service_result::exec_condition;
        check();
    }
    SECTION("a failure that was reset")
    {
        s.status.result = service_result::success;
        check();
    }
    SECTION("a later run, whose end has not come")
    {
        s.status.invocation = {1, 8};
        check();
    }
    SECTION("a start that came to no run")
    {
        s.status.invocation = s.status.last_run.invocation = {};
        check();
    }
}
