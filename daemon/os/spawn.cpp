#include "daemon/os/spawn.h"

#include "daemon/os/child_exec.h"
#include "daemon/os/clone_process.h"
#include "daemon/os/descriptors.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

// The child shares the daemon's table of descriptors (CLONE_FILES) until it takes a private copy of the
// lowest few of it; see child_exec.cpp. So what is to become its 0, 1 and 2 must be low as well. The daemon
// keeps three low descriptors for this, the slots, which are /dev/null but for the moment of a spawn: they
// would hold the other end of some program's pipe open. Descriptors that are passed on beyond those three are
// taken where they are; a spawn with some costs the more the higher they are.
namespace procctl {
namespace {

constexpr std::size_t stack_size = 64 * 1024;
constexpr std::array<std::string_view, 3> stream_names = {"standard input", "standard output",
                                                          "standard error"};

// What all spawns share, made at the first.
struct launch_pad {
    clone_call call = clone_call::clone;
    bool has_into_cgroup = false;
    bool shares_descriptors = false;
    unique_fd null;
    std::array<unique_fd, 3> slots;
    std::span<std::byte> stack; // lives as long as the process
    std::uint64_t signals_to_reset = 0;

    // For each spawn anew; kept for their memory.
    std::vector<const char*> pointers;
    std::vector<child_limit> limits;
    std::vector<int> passed;
    std::vector<std::string> pid_variables; // "NAME=" and room for a pid
    std::vector<char*> pid_texts;
};

result<std::span<std::byte>> map_stack()
{
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* const memory =
        ::mmap(nullptr, page + stack_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) return last_error("cannot map a stack for children");
    std::byte* const stack = static_cast<std::byte*>(memory) + page; // the page below stays a guard
    if (::mprotect(stack, stack_size, PROT_READ | PROT_WRITE) != 0)
        return last_error("cannot map a stack for children");
    return std::span(stack, stack_size);
}

// execve resets the signals that are handled, but keeps those ignored, such as what nohup left behind. A
// clone that cannot clear the handlers needs them all reset.
std::uint64_t find_signals_to_reset(clone_call call)
{
    std::uint64_t found = 0;
    for (int signal = 1; signal <= 64; ++signal) {
        if (signal == SIGKILL || signal == SIGSTOP) continue;
        struct sigaction present {};
        const bool is_ignored = ::sigaction(signal, nullptr, &present) == 0 && present.sa_handler == SIG_IGN;
        if (is_ignored || call == clone_call::clone) found |= std::uint64_t{1} << (signal - 1);
    }
    return found;
}

result<launch_pad> make_launch_pad()
{
    launch_pad pad;
    pad.call = available_clone_call();
    pad.has_into_cgroup = pad.call == clone_call::clone3; // until the kernel says otherwise
    pad.signals_to_reset = find_signals_to_reset(pad.call);
    // Nobody shares the daemon's own table, so that this asks for the call and changes nothing.
    pad.shares_descriptors = ::syscall(SYS_close_range, ~0U, ~0U, CLOSE_RANGE_UNSHARE) == 0;
    pad.null = unique_fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!pad.null) return last_error("cannot open /dev/null");
    for (auto& slot : pad.slots) {
        slot = unique_fd(::fcntl(pad.null.get(), F_DUPFD_CLOEXEC, 3));
        if (!slot) return last_error("cannot reserve descriptors for children");
    }
    auto stack = map_stack();
    if (!stack) return stack.error();
    pad.stack = *stack;
    return pad;
}

result<launch_pad*> shared_launch_pad()
{
    static std::optional<launch_pad> pad;
    if (!pad) {
        auto made = make_launch_pad();
        if (!made) return made.error();
        pad = std::move(*made);
    }
    return &*pad;
}

// Puts the wanted descriptors into the slots, and /dev/null back at the end of the scope.
class filled_slots {
public:
    explicit filled_slots(launch_pad& pad) : pad_(pad) {}
    filled_slots(const filled_slots&) = delete;
    filled_slots& operator=(const filled_slots&) = delete;
    ~filled_slots()
    {
        for (std::size_t i = 0; i < 3; ++i)
            if (is_filled_[i]) ::dup3(pad_.null.get(), pad_.slots[i].get(), O_CLOEXEC);
    }

    result<void> fill(const std::array<int, 3>& wanted, child_plan& plan)
    {
        for (std::size_t i = 0; i < 3; ++i) {
            plan.standard[i] = pad_.slots[i].get();
            if (wanted[i] < 0) continue;
            if (i == 2 && wanted[2] == wanted[1]) {
                plan.standard[2] = plan.standard[1];
                continue;
            }
            if (::dup3(wanted[i], pad_.slots[i].get(), O_CLOEXEC) < 0)
                return last_error("cannot pass on " + std::string(stream_names[i]));
            is_filled_[i] = true;
        }
        return {};
    }

private:
    launch_pad& pad_;
    std::array<bool, 3> is_filled_{};
};

// Blocks all signals but those that a fault of our own raises: blocked, they would kill without a trace.
class blocked_signals {
public:
    blocked_signals()
    {
        sigset_t most;
        ::sigfillset(&most);
        for (const int fatal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS})
            ::sigdelset(&most, fatal);
        ::sigprocmask(SIG_SETMASK, &most, &before_);
    }
    ~blocked_signals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
    blocked_signals(const blocked_signals&) = delete;
    blocked_signals& operator=(const blocked_signals&) = delete;

private:
    sigset_t before_;
};

// A child that shares our memory and changes its uid takes away our "dumpable" attribute (core dumps, and
// who owns /proc/self). While the child lives in our memory that is right, since it keeps its new user from
// tracing it; it ends when clone returns.
class kept_dumpable {
public:
    explicit kept_dumpable(bool is_at_risk) : restores_(is_at_risk && ::prctl(PR_GET_DUMPABLE) == 1) {}
    ~kept_dumpable()
    {
        if (restores_) ::prctl(PR_SET_DUMPABLE, 1);
    }
    kept_dumpable(const kept_dumpable&) = delete;
    kept_dumpable& operator=(const kept_dumpable&) = delete;

private:
    bool restores_;
};

// Only root may call setgroups. A daemon of a user's own that is told to run a program as that same user
// has nothing to change.
bool has_groups(std::span<const gid_t> wanted)
{
    const int count = ::getgroups(0, nullptr);
    std::vector<gid_t> present(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (count < 0 || ::getgroups(count, present.data()) != count) return false;
    const auto as_set = [](std::vector<gid_t> groups) {
        groups.push_back(::getegid()); // whether it is listed too makes no difference
        std::ranges::sort(groups);
        groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
        return groups;
    };
    return as_set(present) == as_set({wanted.begin(), wanted.end()});
}

void plan_identity(const spawn_request& r, child_plan& plan)
{
    if (!r.who || !r.who->changes_user) return;
    plan.sets_ids = true;
    plan.uid = r.who->uid;
    plan.gid = r.who->gid;
    plan.groups = r.who->groups;
    plan.sets_groups = ::geteuid() == 0 || !has_groups(plan.groups);
}

void plan_limits(const spawn_request& r, launch_pad& pad, child_plan& plan)
{
    pad.limits.clear();
    for (const auto& limit : r.limits)
        pad.limits.push_back({limit.resource, limit.soft, limit.hard});
    const auto is_descriptors = [](const resource_limit& limit) { return limit.resource == RLIMIT_NOFILE; };
    if (const auto original = original_descriptor_limit();
        original && std::ranges::none_of(r.limits, is_descriptors))
        pad.limits.push_back({RLIMIT_NOFILE, original->soft, original->hard});
    plan.limits = pad.limits;
}

// The variables that the child completes. Their memory is not touched again before it has been copied by
// execve.
void plan_pid_variables(const spawn_request& r, launch_pad& pad, child_plan& plan)
{
    constexpr std::size_t longest_pid = 10;
    pad.pid_variables.clear();
    pad.pid_texts.clear();
    for (const auto& name : r.pid_variables)
        pad.pid_variables.emplace_back(name + '=').append(longest_pid, '\0');
    for (std::size_t i = 0; i < r.pid_variables.size(); ++i)
        pad.pid_texts.push_back(pad.pid_variables[i].data() + r.pid_variables[i].size() + 1);
    plan.pid_texts = pad.pid_texts;
}

// argv, envp and the candidates lie one behind the other, the first two ended by a null pointer.
void plan_execution(const spawn_request& r, launch_pad& pad, child_plan& plan)
{
    plan_pid_variables(r, pad, plan);
    auto& pointers = pad.pointers;
    pointers.clear();
    const std::size_t variables = r.envp.size() + pad.pid_variables.size();
    pointers.reserve(r.argv.size() + variables + r.candidates.size() + 2);
    for (const auto& text : r.argv)
        pointers.push_back(text.c_str());
    pointers.push_back(nullptr);
    for (const auto& text : r.envp)
        pointers.push_back(text.c_str());
    for (const auto& text : pad.pid_variables)
        pointers.push_back(text.c_str());
    pointers.push_back(nullptr);
    for (const auto& text : r.candidates)
        pointers.push_back(text.c_str());

    const char** const start = pointers.data();
    plan.argv = const_cast<char* const*>(start); // execve(2) takes both as if it wrote to them; it does not
    plan.envp = const_cast<char* const*>(start + r.argv.size() + 1);
    plan.candidates = std::span(start + r.argv.size() + variables + 2, r.candidates.size());
}

void plan_descriptors(const spawn_request& r, launch_pad& pad, child_plan& plan)
{
    pad.passed = r.passed_descriptors;
    plan.passed = pad.passed;
    plan.shares_descriptors = pad.shares_descriptors;
    int last = -1;
    for (const auto& slot : pad.slots)
        last = std::max(last, slot.get());
    for (const int fd : pad.passed)
        last = std::max(last, fd);
    plan.first_unneeded = static_cast<unsigned>(last) + 1;
}

// Where it cannot be born in its control group, the child enters it by itself: on kernels before 5.7, and
// where clone3 is filtered. It does so too after any other refusal, and ends if it is refused again.
result<cloned> clone_into(launch_pad& pad, clone_request clone, const spawn_request& r, child_plan& plan)
{
    const int cgroup = r.cgroup;
    if (cgroup < 0) return clone_process(clone);
    if (pad.has_into_cgroup && !r.joins_cgroup) {
        clone.cgroup = cgroup;
        auto made = clone_process(clone);
        if (made) return made;
        clone.cgroup = -1;
        const int reason = made.error().code.value();
        if (reason == E2BIG || reason == EINVAL) pad.has_into_cgroup = false;
    }
    const unique_fd processes(::openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC));
    if (!processes) plan.cgroup_errno = errno;
    plan.cgroup_processes = processes.get();
    return clone_process(clone);
}

} // namespace

result<spawned> spawn(const spawn_request& request)
{
    auto shared = shared_launch_pad();
    if (!shared) return shared.error();
    launch_pad& pad = **shared;

    child_plan plan;
    plan_descriptors(request, pad, plan);
    filled_slots slots(pad);
    if (const auto filled =
            slots.fill({request.standard_input, request.standard_output, request.standard_error}, plan);
        !filled)
        return filled.error();

    std::array<char, 12> oom_score{}; // "-1000"
    if (request.oom_score_adjust) {
        const auto text =
            std::to_chars(oom_score.data(), oom_score.data() + oom_score.size(), *request.oom_score_adjust);
        plan.oom_score_adjust = oom_score.data();
        plan.oom_score_adjust_size = static_cast<std::size_t>(text.ptr - oom_score.data());
    }
    plan.sets_nice = request.nice.has_value();
    plan.nice = request.nice.value_or(0);
    plan.umask = request.umask;
    plan.working_directory = request.working_directory.c_str();
    plan.working_directory_optional = request.working_directory_optional;
    plan.signals_to_reset = pad.signals_to_reset;
    plan.ignore_sigpipe = request.ignore_sigpipe;
    plan_limits(request, pad, plan);
    plan_identity(request, plan);
    plan_execution(request, pad, plan);

    const clone_request clone{.call = pad.call,
                              .flags = pad.shares_descriptors ? CLONE_FILES : 0UL,
                              .stack = pad.stack,
                              .body = child_exec,
                              .argument = &plan};
    const kept_dumpable dumpable(plan.sets_ids);
    const blocked_signals blocked;
    auto made = clone_into(pad, clone, request, plan);
    if (!made) return made.error();
    return spawned{made->pid, std::move(made->pidfd), plan.failed_stage, plan.failed_errno};
}

} // namespace procctl
