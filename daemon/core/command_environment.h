// What the commands of a run are told beyond the program's own environment: the variables of systemd.exec(5)
// that depend on how the run goes. Pure.
//
// MAINPID              while there is a main process
// SERVICE_RESULT       exec_stop and exec_stop_post: the result so far
// EXIT_CODE            these two, once the main process has ended: exited, killed or dumped
// EXIT_STATUS          likewise: its exit status, or the signal's name without SIG
// MONITOR_SERVICE_RESULT, MONITOR_EXIT_CODE, MONITOR_EXIT_STATUS, MONITOR_INVOCATION_ID, MONITOR_UNIT
//                      exec_start_pre and exec_start of an instance that was started by another's on_failure
//                      or on_success: how that one ended
// WATCHDOG_USEC        exec_start: the interval of the watchdog, where there is one
#pragma once

#include "daemon/core/instance_machine.h"
#include "daemon/core/specifiers.h"

namespace procctl {

[[nodiscard]] environment command_environment(const program_config&, const instance_status&, exec_command);

// Whether the command gets a NOTIFY_SOCKET: main processes by main, exec and all, control processes by exec
// and all. The command of a forking program counts as a main process here, as with systemd.
[[nodiscard]] bool may_notify(const program_config&, exec_command);

} // namespace procctl
