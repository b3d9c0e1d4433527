#include "daemon/core/restart_policy.h"
#include "tests/support/catch.h"

using namespace procctl;

TEST_CASE("Restart= decides by the result alone", "[restart]")
{
    using enum service_result;
    // NOTES.md section 1: result, then no, always, on-success, on-failure, on-abnormal, on-abort,
    // on-watchdog.
    const auto [ended, expected] = GENERATE(table<service_result, std::string>({
        {success, "-yy----"},
        {exit_code, "-y-y---"},
        {signal, "-y-yyy-"},
        {core_dump, "-y-yyy-"},
        {timeout, "-y-yy--"},
        {resources, "-y-yy--"},
        {protocol, "-y-yy--"},
        {watchdog, "-y-yy-y"},
        {exec_condition, "-------"},
    }));
    constexpr restart_mode modes[] = {
        restart_mode::no,          restart_mode::always,   restart_mode::on_success, restart_mode::on_failure,
        restart_mode::on_abnormal, restart_mode::on_abort, restart_mode::on_watchdog};
    std::string measured;
    for (const restart_mode mode : modes)
        measured += policy_restarts(mode, ended) ? 'y' : '-';
    CAPTURE(to_text(ended));
    CHECK(measured == expected);
}

TEST_CASE("prevent wins over force, and force over Restart=", "[restart]")
{
    const process_end exit_1{exit_code_kind::exited, 1};
    program_config program;
    program.restart = restart_mode::no;
    CHECK(decide_restart(program, service_result::exit_code, exit_1) == restart_reason::policy_stays);

    program.restart_force_exit_status.add_code(1);
    CHECK(decide_restart(program, service_result::exit_code, exit_1) == restart_reason::forced_by_status);

    program.restart_prevent_exit_status.add_code(1);
    CHECK(decide_restart(program, service_result::exit_code, exit_1) == restart_reason::prevented_by_status);

    program.restart = restart_mode::always;
    CHECK(decide_restart(program, service_result::exit_code, exit_1) == restart_reason::prevented_by_status);
}

TEST_CASE("a main process that never ran matches no exit status, not even 0", "[restart]")
{
    program_config program;
    program.restart_prevent_exit_status.add_code(0);
    CHECK(decide_restart(program, service_result::resources, {}) == restart_reason::policy_restarts);
}
