#include "daemon/core/sub_state.h"
#include "tests/support/catch.h"

using namespace procctl;

TEST_CASE("states are spelled as systemctl show spells them, and read back", "[sub-state]")
{
    const auto [state, name, active] = GENERATE(table<sub_state, std::string, std::string>({
        {sub_state::dead, "dead", "inactive"},
        {sub_state::condition, "condition", "activating"},
        {sub_state::start_pre, "start-pre", "activating"},
        {sub_state::start, "start", "activating"},
        {sub_state::start_post, "start-post", "activating"},
        {sub_state::running, "running", "active"},
        {sub_state::exited, "exited", "active"},
        {sub_state::reload, "reload", "reloading"},
        {sub_state::reload_signal, "reload-signal", "reloading"},
        {sub_state::reload_notify, "reload-notify", "reloading"},
        {sub_state::stop, "stop", "deactivating"},
        {sub_state::stop_watchdog, "stop-watchdog", "deactivating"},
        {sub_state::stop_sigterm, "stop-sigterm", "deactivating"},
        {sub_state::stop_sigkill, "stop-sigkill", "deactivating"},
        {sub_state::stop_post, "stop-post", "deactivating"},
        {sub_state::final_watchdog, "final-watchdog", "deactivating"},
        {sub_state::final_sigterm, "final-sigterm", "deactivating"},
        {sub_state::final_sigkill, "final-sigkill", "deactivating"},
        {sub_state::auto_restart, "auto-restart", "activating"},
        {sub_state::failed, "failed", "failed"},
    }));
    CHECK(to_text(state) == name);
    CHECK(to_text(active_state_of(state)) == active);
    CHECK(parse_sub_state(name) == state);
    CHECK(parse_sub_state("reloading") == std::nullopt);
}
