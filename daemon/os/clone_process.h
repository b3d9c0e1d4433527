// Makes a child that runs on a stack of its own in this process's memory, with this process suspended until
// the child has executed a program or ended: vfork(2) with a pidfd, and without vfork's shared stack.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"

#include <cstddef>
#include <span>

#include <sys/types.h>

namespace procctl {

struct cloned {
    pid_t pid = 0;
    unique_fd pidfd;
};

// clone3 resets the signals that this process handles to their default in the child (CLONE_CLEAR_SIGHAND).
// clone(2), for where containers' seccomp filters refuse clone3 because they cannot look into its arguments,
// leaves that to the body: a handler of the parent's must never run in the shared memory.
enum class clone_call { clone3, clone };
[[nodiscard]] clone_call available_clone_call();

// Runs `body(argument)`, which never returns, in the child. Block all signals but the fatal ones around it.
struct clone_request {
    clone_call call = clone_call::clone3;
    unsigned long flags = 0; // added to CLONE_VM, CLONE_VFORK and CLONE_PIDFD
    int cgroup = -1;         // the directory of the control group to be born in; clone3 only
    std::span<std::byte> stack;
    int (*body)(void*) noexcept = nullptr;
    void* argument = nullptr;
};
[[nodiscard]] result<cloned> clone_process(const clone_request&);

} // namespace procctl
