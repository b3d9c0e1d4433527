// What each of procctl's commands does; answers its exit status. The table that leads here is in
// commands.cpp.
#pragma once

#include "ctl/session.h"

namespace procctl::ctl {

// program_commands.cpp: questions about programs.
[[nodiscard]] int run_status(session&);
[[nodiscard]] int run_show(session&);
[[nodiscard]] int run_cat(session&);
[[nodiscard]] int run_is_active(session&);
[[nodiscard]] int run_is_failed(session&);

// log_commands.cpp
[[nodiscard]] int run_logs(session&);

// job_commands.cpp: requests that change something.
[[nodiscard]] int run_start(session&);
[[nodiscard]] int run_stop(session&);
[[nodiscard]] int run_restart(session&);
[[nodiscard]] int run_try_restart(session&);
[[nodiscard]] int run_reload(session&);
[[nodiscard]] int run_kill(session&);
[[nodiscard]] int run_reset_failed(session&);
[[nodiscard]] int run_update(session&);
[[nodiscard]] int rotate_logs(session&); // a part of run_logs

// daemon_commands.cpp: the daemon itself.
[[nodiscard]] int run_daemon_status(session&);
[[nodiscard]] int run_daemon_shutdown(session&);
[[nodiscard]] int run_version(session&);

// help.cpp
[[nodiscard]] int run_help(session&);

// check.cpp: replaces this process by `procctld --check`; comes back only when that cannot be run.
[[nodiscard]] int run_check(session&);

} // namespace procctl::ctl
