#include "daemon/os/clone_process.h"

#include <cerrno>
#include <cstdint>

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace procctl {
namespace {

#if defined(__x86_64__)
// clone3(2) has no wrapper in glibc. The child starts behind the system call on the new stack, where nothing
// of this frame exists: what it needs it finds in r8 and r9, which the kernel preserves.
long clone3_and_run(clone_args& args, int (*body)(void*) noexcept, void* argument)
{
    long answer = SYS_clone3;
    register int (*in_r8)(void*) noexcept asm("r8") = body;
    register void* in_r9 asm("r9") = argument;
    asm volatile("syscall\n\t"
                 "testq %%rax, %%rax\n\t"
                 "jnz 1f\n\t"
                 "xorl %%ebp, %%ebp\n\t" // the outermost frame: unwinders end here
                 "movq %%r9, %%rdi\n\t"
                 "callq *%%r8\n\t"
                 "ud2\n" // the body does not return
                 "1:"
                 : "+a"(answer)
                 : "D"(&args), "S"(sizeof args), "r"(in_r8), "r"(in_r9)
                 : "rcx", "r11", "cc", "memory");
    return answer;
}
#else
long clone3_and_run(clone_args&, int (*)(void*) noexcept, void*) { return -ENOSYS; }
#endif

constexpr unsigned long shared_memory_flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD;

result<cloned> clone_with_clone3(const clone_request& r)
{
    int pidfd = -1;
    clone_args args{};
    args.flags = shared_memory_flags | CLONE_CLEAR_SIGHAND | r.flags;
    args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    args.stack = reinterpret_cast<std::uintptr_t>(r.stack.data());
    args.stack_size = r.stack.size();
    if (r.cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = static_cast<std::uint64_t>(r.cgroup);
    }
    const long pid = clone3_and_run(args, r.body, r.argument);
    if (pid < 0) return make_error(static_cast<int>(-pid), "cannot make a process");
    return cloned{static_cast<pid_t>(pid), unique_fd(pidfd)};
}

result<cloned> clone_with_glibc(const clone_request& r)
{
    if (r.cgroup >= 0) return make_error(EINVAL, "cannot make a process in a control group");
    int pidfd = -1;
    const int flags = static_cast<int>(shared_memory_flags | r.flags) | SIGCHLD;
    const pid_t pid = ::clone(r.body, r.stack.data() + r.stack.size(), flags, r.argument, &pidfd);
    if (pid < 0) return last_error("cannot make a process");
    return cloned{pid, unique_fd(pidfd)};
}

} // namespace

clone_call available_clone_call()
{
#if defined(__x86_64__)
    // A kernel that has the call finds this size too small (EINVAL); one without it, or a filter, says
    // ENOSYS or EPERM.
    if (::syscall(SYS_clone3, nullptr, 0) < 0 && errno == EINVAL) return clone_call::clone3;
#endif
    return clone_call::clone;
}

result<cloned> clone_process(const clone_request& r)
{
    switch (r.call) {
    case clone_call::clone3: return clone_with_clone3(r);
    case clone_call::clone: return clone_with_glibc(r);
    }
    return make_error(EINVAL, "cannot make a process");
}

} // namespace procctl
