// The child's half of spawn(): from clone to execve.
//
// It runs in the parent's memory while the parent is suspended. So it makes raw system calls only, allocates
// nothing, takes no lock, and leaves no trace but the two answers at the end of its plan. (glibc's setuid and
// its like are out too: they walk the parent's list of threads to change each of them.)
#pragma once

#include "daemon/os/spawn_stage.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/types.h>

namespace procctl {

// RLIMIT_* with the layout of the kernel's struct rlimit64 behind it.
struct child_limit {
    int resource = 0;
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;
};

// All that the child has to know, prepared. Everything is borrowed from the parent, which waits.
struct child_plan {
    // cgroup.procs of the control group to enter, open for writing; -1: it is there already.
    int cgroup_processes = -1;
    int cgroup_errno = 0;          // why that could not be opened
    std::array<int, 3> standard{}; // descriptors from 3 up that become 0, 1 and 2
    // The child shares the parent's table of descriptors, and takes a copy of those below `first_unneeded` as
    // its own. False: it has a copy of the whole table from the start.
    bool shares_descriptors = false;
    unsigned first_unneeded = 3;
    std::span<int> passed; // any descriptors, that become 3, 4, …; the child moves them about

    const char* oom_score_adjust = nullptr; // the number as text; null: unchanged
    std::size_t oom_score_adjust_size = 0;
    bool sets_nice = false;
    int nice = 0;
    std::span<const child_limit> limits;
    unsigned umask = 0;

    bool sets_groups = false;
    std::span<const gid_t> groups;
    bool sets_ids = false;
    uid_t uid = 0;
    gid_t gid = 0;

    const char* working_directory = "/";
    bool working_directory_optional = false; // where it cannot be had, "/" is taken

    std::uint64_t signals_to_reset = 0; // bit n-1 for signal n: set to the default
    bool ignore_sigpipe = true;

    std::span<const char* const> candidates; // tried in order
    char* const* argv = nullptr;
    char* const* envp = nullptr;
    // Where in envp the child's pid is to be written, each with room for a pid and a NUL.
    std::span<char* const> pid_texts;

    // The answers: the step that failed and why. `none` once the program runs.
    spawn_stage failed_stage = spawn_stage::none;
    int failed_errno = 0;
};

// Carries out the plan and becomes the program, or ends with the status of the step that failed.
[[noreturn]] int child_exec(void* plan) noexcept;

} // namespace procctl
