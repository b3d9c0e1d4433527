#include "daemon/core/sub_state.h"

#include <array>
#include <utility>

namespace procctl {
namespace {

constexpr std::array<std::pair<sub_state, std::string_view>, 20> names{{
    {sub_state::dead, "dead"},
    {sub_state::condition, "condition"},
    {sub_state::start_pre, "start-pre"},
    {sub_state::start, "start"},
    {sub_state::start_post, "start-post"},
    {sub_state::running, "running"},
    {sub_state::exited, "exited"},
    {sub_state::reload, "reload"},
    {sub_state::reload_signal, "reload-signal"},
    {sub_state::reload_notify, "reload-notify"},
    {sub_state::stop, "stop"},
    {sub_state::stop_watchdog, "stop-watchdog"},
    {sub_state::stop_sigterm, "stop-sigterm"},
    {sub_state::stop_sigkill, "stop-sigkill"},
    {sub_state::stop_post, "stop-post"},
    {sub_state::final_watchdog, "final-watchdog"},
    {sub_state::final_sigterm, "final-sigterm"},
    {sub_state::final_sigkill, "final-sigkill"},
    {sub_state::auto_restart, "auto-restart"},
    {sub_state::failed, "failed"},
}};

} // namespace

active_state active_state_of(sub_state s)
{
    switch (s) {
    case sub_state::dead: return active_state::inactive;
    case sub_state::condition:
    case sub_state::start_pre:
    case sub_state::start:
    case sub_state::start_post:
    case sub_state::auto_restart: return active_state::activating;
    case sub_state::running:
    case sub_state::exited: return active_state::active;
    case sub_state::reload:
    case sub_state::reload_signal:
    case sub_state::reload_notify: return active_state::reloading;
    case sub_state::stop:
    case sub_state::stop_watchdog:
    case sub_state::stop_sigterm:
    case sub_state::stop_sigkill:
    case sub_state::stop_post:
    case sub_state::final_watchdog:
    case sub_state::final_sigterm:
    case sub_state::final_sigkill: return active_state::deactivating;
    case sub_state::failed: return active_state::failed;
    }
    return active_state::inactive;
}

std::string_view to_text(active_state s)
{
    switch (s) {
    case active_state::inactive: return "inactive";
    case active_state::activating: return "activating";
    case active_state::active: return "active";
    case active_state::reloading: return "reloading";
    case active_state::deactivating: return "deactivating";
    case active_state::failed: return "failed";
    }
    return {};
}

std::string_view to_text(sub_state s)
{
    for (const auto& [state, name] : names)
        if (state == s) return name;
    return {};
}

std::optional<sub_state> parse_sub_state(std::string_view text)
{
    for (const auto& [state, name] : names)
        if (name == text) return state;
    return std::nullopt;
}

} // namespace procctl
