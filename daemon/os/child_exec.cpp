#include "daemon/os/child_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

// Steps that systemd takes leniently are lenient here too: its setpriority_closest(), setrlimit_closest(),
// and an oom_score_adj that a user namespace forbids to write.
namespace procctl {
namespace {

// syscall(2) does nothing but the call and setting errno. That is the parent's errno, since the child runs
// with the parent's thread pointer; the parent expects it to change.
template <class... Arguments> long call(long number, Arguments... arguments)
{
    return ::syscall(number, arguments...);
}

[[noreturn]] void fail(child_plan& plan, spawn_stage stage, int errno_value)
{
    plan.failed_errno = errno_value;
    plan.failed_stage = stage;
    for (;;)
        call(SYS_exit_group, exit_status_of(stage));
}

bool is_lack_of_privilege(int errno_value) { return errno_value == EPERM || errno_value == EACCES; }

// The daemon's table of descriptors is still shared here, so that the one of the plan is there.
void enter_cgroup(child_plan& plan)
{
    if (plan.cgroup_errno != 0) fail(plan, spawn_stage::cgroup, plan.cgroup_errno);
    if (plan.cgroup_processes >= 0 && call(SYS_write, plan.cgroup_processes, "0", 1) != 1)
        fail(plan, spawn_stage::cgroup, errno);
}

void set_up_descriptors(child_plan& plan)
{
    // Taking a private copy of the first few descriptors costs the same however many the parent has. A copy
    // of all of them, as clone makes without CLONE_FILES, costs 1.2 ms at 15,000 (measured).
    if (plan.shares_descriptors && call(SYS_close_range, plan.first_unneeded, ~0U, CLOSE_RANGE_UNSHARE) != 0)
        fail(plan, spawn_stage::descriptors, errno);

    // First out of the way of all that follows: one may be in the place of another, or of a standard stream.
    const auto first_free = static_cast<int>(3 + plan.passed.size());
    for (int& fd : plan.passed) {
        fd = static_cast<int>(call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, first_free));
        if (fd < 0) fail(plan, spawn_stage::descriptors, errno);
    }

    constexpr std::array stages = {spawn_stage::standard_input, spawn_stage::standard_output,
                                   spawn_stage::standard_error};
    for (std::size_t i = 0; i < stages.size(); ++i) // dup3 clears close-on-exec, and no source is below 3
        if (call(SYS_dup3, plan.standard[i], static_cast<int>(i), 0) < 0) fail(plan, stages[i], errno);

    int place = 3;
    for (const int fd : plan.passed)
        if (call(SYS_dup3, fd, place++, 0) < 0) fail(plan, spawn_stage::descriptors, errno);

    // A kernel or a filter without close_range does no harm: every descriptor is close-on-exec at birth.
    call(SYS_close_range, static_cast<unsigned>(place), ~0U, 0U);
}

void write_pid(char* text, unsigned pid)
{
    char* end = text;
    for (unsigned rest = pid; rest != 0; rest /= 10)
        ++end;
    for (*end = '\0'; pid != 0; pid /= 10)
        *--end = static_cast<char>('0' + pid % 10);
}

void adjust_oom_score(child_plan& plan)
{
    const auto fd = static_cast<int>(
        call(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (fd < 0 || call(SYS_write, fd, plan.oom_score_adjust, plan.oom_score_adjust_size) < 0)
        if (!is_lack_of_privilege(errno)) fail(plan, spawn_stage::oom_adjust, errno);
    if (fd >= 0) call(SYS_close, fd);
}

// The nice level asked for, or the next best one that RLIMIT_NICE allows.
void set_nice(child_plan& plan)
{
    if (call(SYS_setpriority, PRIO_PROCESS, 0, plan.nice) == 0) return;
    const int reason = errno;
    if (!is_lack_of_privilege(reason)) fail(plan, spawn_stage::nice, reason);
    const auto current = static_cast<int>(20 - call(SYS_getpriority, PRIO_PROCESS, 0));
    if (current == plan.nice) return;
    if (current < plan.nice) fail(plan, spawn_stage::nice, reason); // making nicer is always allowed
    std::uint64_t highest[2] = {};
    if (call(SYS_prlimit64, 0, RLIMIT_NICE, nullptr, highest) != 0) fail(plan, spawn_stage::nice, errno);
    const int allowed = highest[0] >= 40 ? -20 : 20 - static_cast<int>(highest[0]);
    if (current > allowed && call(SYS_setpriority, PRIO_PROCESS, 0, allowed) != 0)
        fail(plan, spawn_stage::nice, errno);
}

// The limit asked for, or what the present hard limit leaves of it.
void set_limit(child_plan& plan, const child_limit& limit)
{
    const std::uint64_t wanted[2] = {limit.soft, limit.hard};
    if (call(SYS_prlimit64, 0, limit.resource, wanted, nullptr) == 0) return;
    const int reason = errno;
    std::uint64_t present[2] = {};
    if (reason != EPERM || call(SYS_prlimit64, 0, limit.resource, nullptr, present) != 0 ||
        present[1] == ~0ULL)
        fail(plan, spawn_stage::limits, reason);
    const std::uint64_t nearest[2] = {wanted[0] < present[1] ? wanted[0] : present[1],
                                      wanted[1] < present[1] ? wanted[1] : present[1]};
    if (call(SYS_prlimit64, 0, limit.resource, nearest, nullptr) != 0) fail(plan, spawn_stage::limits, errno);
}

void set_ids(child_plan& plan)
{
    if (plan.sets_groups && call(SYS_setgroups, plan.groups.size(), plan.groups.data()) != 0)
        fail(plan, spawn_stage::group, errno);
    if (!plan.sets_ids) return;
    if (call(SYS_setresgid, plan.gid, plan.gid, plan.gid) != 0) fail(plan, spawn_stage::group, errno);
    if (call(SYS_setresuid, plan.uid, plan.uid, plan.uid) != 0) fail(plan, spawn_stage::user, errno);
}

// After the ids are changed, so that it is the program's user who must be able to enter.
void change_directory(child_plan& plan)
{
    if (call(SYS_chdir, plan.working_directory) == 0) return;
    if (!plan.working_directory_optional || call(SYS_chdir, "/") != 0) fail(plan, spawn_stage::chdir, errno);
}

// The kernel's struct sigaction, which is not glibc's. With the default or SIG_IGN as handler all the rest is
// zero, so that its layout, which differs between machines, does not matter.
struct kernel_action {
    void (*handler)(int) = nullptr;
    std::array<unsigned long, 4> rest{};
};

bool set_disposition(int signal, void (*handler)(int))
{
    const kernel_action action{handler, {}};
    return call(SYS_rt_sigaction, signal, &action, nullptr, sizeof(std::uint64_t)) == 0;
}

// Dispositions first: once the mask is empty, a pending signal must meet its default, not a handler.
void reset_signals(child_plan& plan)
{
    for (int signal = 1; signal <= 64; ++signal)
        if ((plan.signals_to_reset >> (signal - 1) & 1) && !set_disposition(signal, SIG_DFL))
            fail(plan, spawn_stage::signals, errno);
    if (!set_disposition(SIGPIPE, plan.ignore_sigpipe ? SIG_IGN : SIG_DFL))
        fail(plan, spawn_stage::signals, errno);
    const std::uint64_t none = 0;
    if (call(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none) != 0)
        fail(plan, spawn_stage::signals, errno);
}

// As execvp(3) tries the folders of PATH, without its fallback to a shell: systemd has none either.
[[noreturn]] void execute(child_plan& plan)
{
    int reason = ENOENT;
    for (const char* file : plan.candidates) {
        call(SYS_execve, file, plan.argv, plan.envp);
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) fail(plan, spawn_stage::exec, errno);
        if (reason != EACCES) reason = errno; // a file that may not be executed says more than one missing
    }
    fail(plan, spawn_stage::exec, reason);
}

} // namespace

int child_exec(void* argument) noexcept
{
    auto& plan = *static_cast<child_plan*>(argument);
    enter_cgroup(plan);
    if (call(SYS_setsid) < 0) fail(plan, spawn_stage::session, errno);
    set_up_descriptors(plan);
    if (plan.oom_score_adjust) adjust_oom_score(plan);
    if (plan.sets_nice) set_nice(plan);
    for (const auto& limit : plan.limits)
        set_limit(plan, limit);
    call(SYS_umask, plan.umask);
    set_ids(plan);
    change_directory(plan);
    reset_signals(plan);
    for (char* const text : plan.pid_texts)
        write_pid(text, static_cast<unsigned>(call(SYS_getpid)));
    execute(plan);
}

} // namespace procctl
