// systemd's states of a service, as systemctl show spells ActiveState and SubState.
#pragma once

#include <optional>
#include <string_view>

namespace procctl {

enum class active_state { inactive, activating, active, reloading, deactivating, failed };

enum class sub_state {
    dead,
    condition,
    start_pre,
    start,
    start_post,
    running,
    exited,
    reload,
    reload_signal, // as systemd 253 splits it for type notify-reload
    reload_notify,
    stop,
    stop_watchdog,
    stop_sigterm,
    stop_sigkill,
    stop_post,
    final_watchdog,
    final_sigterm,
    final_sigkill,
    auto_restart,
    failed,
};

[[nodiscard]] active_state active_state_of(sub_state);
[[nodiscard]] std::string_view to_text(active_state); // "activating"
[[nodiscard]] std::string_view to_text(sub_state);    // "auto-restart"
[[nodiscard]] std::optional<sub_state> parse_sub_state(std::string_view);

} // namespace procctl
