// The parts of explain() (explanation.h), by what an instance is about. Of no use to others.
#pragma once

#include "daemon/core/supervisor.h"

#include <string>
#include <string_view>

namespace procctl {

// condition, start-pre, start, start-post
[[nodiscard]] std::string explain_start(const instance&, const instant& now);
// running, exited, reload, reload-signal, reload-notify
[[nodiscard]] std::string explain_up(const instance&, const instant& now);
// stop, stop-watchdog, stop-sigterm, stop-sigkill, stop-post, final-watchdog, final-sigterm, final-sigkill
[[nodiscard]] std::string explain_stop(const instance&, const instant& now);
// dead, failed
[[nodiscard]] std::string explain_down(const instance&, std::string_view note);
[[nodiscard]] std::string explain_auto_restart(const instance&, std::string_view note, const instant& now);

} // namespace procctl
