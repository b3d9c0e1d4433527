// What each route of the control API does. The table that leads here is in routes.cpp.
#pragma once

#include "daemon/control/routes.h"

namespace procctl::handlers {

[[nodiscard]] response list_programs(const route_call&);
[[nodiscard]] response get_program(const route_call&);
[[nodiscard]] response get_properties(const route_call&);
[[nodiscard]] response get_log(const route_call&);
[[nodiscard]] response rotate_log(const route_call&);
[[nodiscard]] response get_source(const route_call&);
[[nodiscard]] response start(const route_call&);
[[nodiscard]] response stop(const route_call&);
[[nodiscard]] response restart(const route_call&);
[[nodiscard]] response try_restart(const route_call&);
[[nodiscard]] response reload(const route_call&);
[[nodiscard]] response reset_failed(const route_call&);
[[nodiscard]] response kill(const route_call&);
[[nodiscard]] response post_jobs(const route_call&);
[[nodiscard]] response update(const route_call&);
[[nodiscard]] response get_daemon(const route_call&);
[[nodiscard]] response shut_down(const route_call&);
[[nodiscard]] response get_version(const route_call&);

} // namespace procctl::handlers
