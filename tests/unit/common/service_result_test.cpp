#include "common/service_result.h"
#include "tests/support/catch.h"

#include <signal.h>

using namespace procctl;

namespace {

process_end exited(int code) { return {exit_code_kind::exited, code}; }
process_end killed(int signal) { return {exit_code_kind::killed, signal}; }
process_end dumped(int signal) { return {exit_code_kind::dumped, signal}; }

} // namespace

// The rules are those of tests/oracle/NOTES.md, sections 1 and 3.
TEST_CASE("the result that an ending stands for", "[service_result]")
{
    using enum service_result;
    const auto [end, daemon, command] = GENERATE(table<process_end, service_result, service_result>({
        {exited(0), success, success},
        {exited(1), exit_code, exit_code},
        {exited(143), exit_code, exit_code}, // only death *by* SIGTERM is clean
        {exited(203), exit_code, exit_code},
        {killed(SIGHUP), success, signal},
        {killed(SIGINT), success, signal},
        {killed(SIGTERM), success, signal},
        {killed(SIGPIPE), success, signal},
        {killed(SIGKILL), signal, signal},
        {killed(SIGSEGV), signal, signal},
        {killed(SIGUSR1), signal, signal},
        {dumped(SIGSEGV), core_dump, core_dump},
        {dumped(SIGTERM), core_dump, core_dump},
    }));
    CAPTURE(describe(end));
    CHECK(result_of(end, clean_signals::daemon, {}) == daemon);
    CHECK(result_of(end, clean_signals::command, {}) == command);
}

TEST_CASE("success_exit_status adds codes and signals, but no core dump", "[service_result]")
{
    using enum service_result;
    exit_status_set set;
    REQUIRE(set.add("1 SIGABRT"));
    for (const auto clean : {clean_signals::daemon, clean_signals::command}) {
        CHECK(result_of(exited(1), clean, set) == success);
        CHECK(result_of(exited(2), clean, set) == exit_code);
        CHECK(result_of(killed(SIGABRT), clean, set) == success);
        CHECK(result_of(dumped(SIGABRT), clean, set) == core_dump);
        CHECK(result_of(killed(1), clean, {}) == result_of(killed(1), clean, set));
    }
}

TEST_CASE("results by name", "[service_result]")
{
    using enum service_result;
    for (const auto r : {success, protocol, resources, timeout, exit_code, signal, core_dump, watchdog,
                         exec_condition, start_limit_hit}) {
        CAPTURE(to_text(r));
        CHECK_FALSE(to_text(r).empty());
        CHECK(parse_service_result(to_text(r)) == r);
    }
    CHECK(to_text(start_limit_hit) == "start-limit-hit");
    CHECK(to_text(exec_condition) == "exec-condition");
    CHECK(to_text(core_dump) == "core-dump");
    CHECK_FALSE(parse_service_result("exit_code"));
    CHECK_FALSE(parse_service_result(""));
}
