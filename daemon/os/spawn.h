// Starts a process: the parent's half. The child's half is child_exec.h.
//
// A clone3 with CLONE_VM|CLONE_VFORK|CLONE_PIDFD|CLONE_CLEAR_SIGHAND on a stack of its own, so that the cost
// does not grow with the daemon; where the kernel refuses it, clone(2) and resetting the handlers in the
// child. Everything that can be prepared is prepared before; the child does raw, async-signal-safe system
// calls only.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"
#include "daemon/core/program_config.h"
#include "daemon/os/identity.h"
#include "daemon/os/spawn_stage.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace procctl {

struct spawn_request {
    std::vector<std::string> argv;
    std::vector<std::string> envp;       // "NAME=value"
    std::vector<std::string> candidates; // files to try in order, as execvp does: see exec_candidates
    std::string working_directory = "/";
    bool working_directory_optional = false;
    const identity* who = nullptr; // borrowed for the call; null: unchanged
    unsigned umask = 0022;
    std::optional<int> nice;
    std::optional<int> oom_score_adjust;
    // Without one for RLIMIT_NOFILE the child gets the soft limit that the daemon was started with
    // (descriptors.h).
    std::vector<resource_limit> limits;
    bool ignore_sigpipe = true;
    // The directory of the control group to be born in, borrowed; -1: that of the daemon.
    int cgroup = -1;
    bool joins_cgroup = false; // it enters the group itself, because nobody can be born there (cgroup.h)
    int standard_input = -1;   // borrowed, as the next two; -1: /dev/null
    int standard_output = -1;
    int standard_error = -1;
    // These become 3, 4, …, and else stay as they are (O_NONBLOCK). Borrowed.
    std::vector<int> passed_descriptors;
    // Names of variables whose value is the child's own pid: WATCHDOG_PID, LISTEN_PID, SYSTEMD_EXEC_PID. None
    // of them is in envp.
    std::vector<std::string> pid_variables;
};

struct spawned {
    pid_t pid = 0;
    unique_fd pidfd;
    // Set when the child could not execute its program: it exits with exit_status_of(stage), to be reaped as
    // any child.
    spawn_stage failed_stage = spawn_stage::none;
    int failed_errno = 0;
};

// The child leads a session and a process group of its own, has an empty signal mask, default dispositions
// (SIGPIPE as asked) and no descriptor but 0, 1, 2 and those passed. An error means that no process was made.
//
// The caller is suspended until the child has executed its program, some 50 us, as with vfork(2). So a file
// system that hangs under the working directory or the program holds the daemon up.
[[nodiscard]] result<spawned> spawn(const spawn_request&);

// The files execve is to try for `file`: itself when it holds a '/', else one per folder of `path` (a PATH
// value). Empty parts of `path` are skipped: nobody means the working directory.
[[nodiscard]] std::vector<std::string> exec_candidates(std::string_view file, std::string_view path);
inline constexpr std::string_view default_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

} // namespace procctl
