// From a program's configuration to the process that spawn() is asked for: arguments, environment, folders.
// Pure.
#pragma once

#include "common/result.h"
#include "daemon/config/settings.h"
#include "daemon/core/specifiers.h"
#include "daemon/core/supervisor.h"
#include "daemon/os/identity.h"
#include "daemon/os/spawn.h"

#include <string>

namespace procctl {

// What is the same for all programs of a daemon.
struct host_facts {
    settings daemon;
    std::string host;                // %H
    int manager_pid = 0;             // the daemon's own, for MANAGERPID; 0: it is process 1
    std::string runtime_dir_of_user; // $XDG_RUNTIME_DIR, handed on by a user's daemon; empty: none
};

// What a process is told about its connections to the daemon.
struct process_connections {
    std::string notify_socket;                 // for NOTIFY_SOCKET; empty: none
    std::vector<std::string> descriptor_names; // LISTEN_FDNAMES, of the descriptors from 3 on
};

// The environment of a process: PATH and the account's variables, what the manager tells (INVOCATION_ID,
// command_environment.h, NOTIFY_SOCKET …), then `environment`, then what the environment files brought. A
// later assignment wins.
[[nodiscard]] result<environment> build_environment(const instance&, exec_command, const identity&,
                                                    const host_facts&, const process_connections&,
                                                    const environment& from_files);

// Everything but the descriptors. `who` is borrowed by the request.
[[nodiscard]] result<spawn_request> prepare_process(const instance&, const start_process&,
                                                    const identity& who, const host_facts&,
                                                    const process_connections&,
                                                    const environment& from_files);

// A path of the configuration with its specifiers expanded.
[[nodiscard]] result<std::string> expand_path(const instance&, const identity&, const host_facts&,
                                              std::string_view path);

// The same for pid_file: a relative one is below the runtime folder.
[[nodiscard]] result<std::string> pid_file_of(const instance&, const identity&, const host_facts&);

// The file that holds the instance's output: `log.path`, or <log_dir>/<instance>.log.
[[nodiscard]] result<std::string> log_path_of(const instance&, const identity&, const host_facts&);

} // namespace procctl
