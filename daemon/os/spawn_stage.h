// The steps a child takes between clone and execve, with what systemd and people call a failure of each.
#pragma once

#include <string>
#include <string_view>

namespace procctl {

struct spawn_request;

// In the order in which the child takes them.
enum class spawn_stage {
    none,
    cgroup,
    session,
    descriptors,
    standard_input,
    standard_output,
    standard_error,
    oom_adjust,
    nice,
    limits,
    umask,
    group,
    user,
    chdir,
    signals,
    exec
};

// systemd's exit status for a failure of the step (systemd.exec(5), "Process exit codes").
[[nodiscard]] constexpr int exit_status_of(spawn_stage stage)
{
    switch (stage) {
    case spawn_stage::none: return 0;
    case spawn_stage::cgroup: return 219;          // CGROUP
    case spawn_stage::session: return 220;         // SETSID
    case spawn_stage::descriptors: return 202;     // FDS
    case spawn_stage::standard_input: return 208;  // STDIN
    case spawn_stage::standard_output: return 209; // STDOUT
    case spawn_stage::standard_error: return 222;  // STDERR
    case spawn_stage::oom_adjust: return 206;      // OOM_ADJUST
    case spawn_stage::nice: return 201;            // NICE
    case spawn_stage::limits: return 205;          // LIMITS
    case spawn_stage::umask: return 1;             // umask(2) cannot fail
    case spawn_stage::group: return 216;           // GROUP
    case spawn_stage::user: return 217;            // USER
    case spawn_stage::chdir: return 200;           // CHDIR
    case spawn_stage::signals: return 207;         // SIGNAL_MASK
    case spawn_stage::exec: return 203;            // EXEC
    }
    return 1;
}

// "cannot change to the working directory"
[[nodiscard]] std::string_view to_text(spawn_stage);

// The whole sentence for people, with the names of the request and, where the errno alone leaves one
// guessing, what to look for: "cannot execute /opt/x: No such file or directory; if the file is there, …".
[[nodiscard]] std::string describe_failure(const spawn_request&, spawn_stage, int errno_value);

} // namespace procctl
