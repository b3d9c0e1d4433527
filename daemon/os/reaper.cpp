#include "daemon/os/reaper.h"

#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// How an end is noticed.
//
// The pidfds and the signalfd for SIGCHLD sit in an epoll of the reaper's own, of which the loop sees a
// single descriptor: a child costs the loop no object, and a storm is taken in batches, between which the
// loop runs whatever else is ready.
//
// A child that is watched is found by its pidfd, at the same cost however many children there are. Strangers
// have only SIGCHLD, which coalesces: it names one child and may stand for many, so that all children must be
// asked (a sweep), at 0.1 ms for 5,000 of them (measured). So when the one it names is watched, the sweep,
// which will most likely find nothing, waits a little and serves for all the signals that come meanwhile.
//
// Why the numbers are safe. A pid, or the number of a process group, cannot be given to another process while
// a process, be it a zombie, has it as its pid or is in that group. Only this file reaps. So between a
// waitid() with WNOWAIT that found a child of ours and the call that reaps it, its pid and its group are what
// they were. Nothing here signals a number unless such a child has just been seen.
//
// One thing moves without us: the last leftover may leave the group by setsid(), and the number is free. If
// it is given to a child that is then watched, the group is known to be gone (watch()).
//
// Why leftovers are seen in time. The kernel hands the children of a dying process to the subreaper, us, and
// makes the process a zombie in one step (exit_notify() holds tasklist_lock over both). So once a main
// process can be reaped its children are ours already, and so on down the tree. A process of the group whose
// parent lives on in another group is not ours, is not counted, and is not signalled: nothing pins its group.
namespace procctl {
namespace {

constexpr int most_events_a_turn = 64;
constexpr int most_strangers_a_turn = 64;
constexpr auto sweep_delay = std::chrono::milliseconds(20);
constexpr std::uint64_t signal_mark = 0; // in epoll's data, where a child has its pid

process_end end_of(const siginfo_t& info)
{
    switch (info.si_code) {
    case CLD_EXITED: return {exit_code_kind::exited, info.si_status};
    case CLD_KILLED: return {exit_code_kind::killed, info.si_status};
    case CLD_DUMPED: return {exit_code_kind::dumped, info.si_status};
    default: return {};
    }
}

// A child that has ended and can be reaped; it is left as it is. `si_pid` is 0 when there are children but
// none has ended; empty: there are no such children.
std::optional<siginfo_t> find_ended(idtype_t type, id_t id)
{
    siginfo_t info{};
    if (::waitid(type, id, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return std::nullopt;
    return info;
}

[[noreturn]] void throw_errno(const char* what)
{
    throw std::system_error(errno, std::generic_category(), what);
}

// With SIGCHLD ignored the kernel would reap by itself and forget; stops and continuations are not asked for.
unique_fd watch_sigchld()
{
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    action.sa_flags = SA_NOCLDSTOP;
    sigset_t mask;
    ::sigemptyset(&mask);
    ::sigaddset(&mask, SIGCHLD);
    if (::sigaction(SIGCHLD, &action, nullptr) != 0 || ::sigprocmask(SIG_BLOCK, &mask, nullptr) != 0)
        throw_errno("cannot block SIGCHLD");
    unique_fd signals(::signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC));
    if (!signals) throw_errno("cannot make a signalfd");
    return signals;
}

} // namespace

struct reaper::impl {
    struct child {
        reaper::token token;
        unique_fd pidfd;
        bool leads_group;
    };

    impl(boost::asio::io_context&, handlers);

    void await_ready();
    void on_ready();
    void on_sigchld();
    void reap(pid_t);
    void reap_stranger(pid_t);
    void sweep();
    void sweep_later(std::chrono::milliseconds delay);
    bool has_members(pid_t group);
    const child* find(reaper::token) const;
    void check_leftovers();

    handlers on;
    unique_fd signals;
    boost::asio::posix::stream_descriptor poll; // the epoll of ours
    boost::asio::steady_timer sweep_timer;
    bool sweep_is_due = false; // the timer is armed
    std::uint64_t strangers = 0;

    std::unordered_map<pid_t, child> children;          // watched, not yet reaped
    std::unordered_map<pid_t, reaper::token> leftovers; // by process group; its leader is reaped
    std::unordered_map<reaper::token, pid_t> pids;      // of both
    std::vector<reaper::token> vanished;                // groups whose number a new child has; to be reported

    // A completion handler that is queued already runs even when the reaper is gone.
    std::shared_ptr<const bool> life = std::make_shared<const bool>(true);
};

reaper::impl::impl(boost::asio::io_context& io, handlers h)
    : on(std::move(h)), signals(watch_sigchld()), poll(io), sweep_timer(io)
{
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) throw_errno("cannot become a subreaper");
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) throw_errno("cannot make an epoll");
    poll.assign(fd);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = signal_mark}};
    if (::epoll_ctl(fd, EPOLL_CTL_ADD, signals.get(), &event) != 0) throw_errno("cannot watch SIGCHLD");
    await_ready();
    sweep_later({}); // children from before, such as those of a shell that became the daemon by exec
}

void reaper::impl::await_ready()
{
    poll.async_wait(poll.wait_read, [this, alive = std::weak_ptr(life)](boost::system::error_code failed) {
        if (failed || alive.expired()) return;
        on_ready();
        await_ready();
    });
}

void reaper::impl::on_ready()
{
    std::array<epoll_event, most_events_a_turn> events;
    const int count = ::epoll_wait(poll.native_handle(), events.data(), most_events_a_turn, 0);
    const auto ready = std::span(events).first(static_cast<std::size_t>(std::max(count, 0)));
    // The signal first, while the child that it names is still known.
    for (const auto& event : ready)
        if (event.data.u64 == signal_mark) on_sigchld();
    // A handler may have reaped, abandoned or watched children meanwhile; reap() asks the kernel.
    for (const auto& event : ready)
        if (event.data.u64 != signal_mark) reap(static_cast<pid_t>(event.data.u64));
}

void reaper::impl::on_sigchld()
{
    signalfd_siginfo info{};
    if (::read(signals.get(), &info, sizeof info) != sizeof info) return;
    sweep_later(children.contains(static_cast<pid_t>(info.ssi_pid)) ? sweep_delay : sweep_delay.zero());
}

// Does nothing for a child that still runs, or that nobody watches any more.
void reaper::impl::reap(pid_t pid)
{
    const auto found = children.find(pid);
    if (found == children.end()) return;
    siginfo_t info{};
    // ECHILD would mean that somebody else has reaped it. Then nobody can tell how it ended, but that it did.
    const bool is_ours = ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) == 0;
    if (is_ours && info.si_pid == 0) return;

    const child ended = std::move(found->second);
    children.erase(found);
    // Closing alone would do, were it certain that nobody else holds a copy of the pidfd.
    ::epoll_ctl(poll.native_handle(), EPOLL_CTL_DEL, ended.pidfd.get(), nullptr);
    const bool has_leftovers = ended.leads_group && has_members(pid);
    if (has_leftovers)
        leftovers.emplace(pid, ended.token);
    else
        pids.erase(ended.token);
    on.exited(ended.token, end_of(info), has_leftovers);
}

// Whether a child of ours is left in a group whose leader is reaped. What has ended of it is reaped here.
bool reaper::impl::has_members(pid_t group)
{
    // The rule, and far cheaper than waitid(), which looks at every child. Signal 0 harms no stranger.
    if (::kill(-group, 0) != 0 && errno == ESRCH) return false;
    for (int reaped = 0; reaped < most_strangers_a_turn; ++reaped) {
        const auto member = find_ended(P_PGID, static_cast<id_t>(group));
        if (!member) return false;
        if (member->si_pid == 0 || children.contains(member->si_pid)) return true;
        reap_stranger(member->si_pid);
    }
    return true; // a later sweep goes on
}

void reaper::impl::reap_stranger(pid_t pid)
{
    ::waitid(P_PID, static_cast<id_t>(pid), nullptr, WEXITED | WNOHANG);
    ++strangers;
}

void reaper::impl::sweep()
{
    for (int found = 0; found < most_strangers_a_turn; ++found) {
        const auto ended = find_ended(P_ALL, 0);
        if (!ended || ended->si_pid == 0) return check_leftovers();
        if (children.contains(ended->si_pid))
            reap(ended->si_pid);
        else
            reap_stranger(ended->si_pid);
    }
    sweep_later({}); // others come first
}

void reaper::impl::sweep_later(std::chrono::milliseconds delay)
{
    if (sweep_is_due && delay != delay.zero()) return;
    sweep_is_due = true;
    sweep_timer.expires_after(delay);
    sweep_timer.async_wait([this, alive = std::weak_ptr(life)](boost::system::error_code canceled) {
        if (canceled || alive.expired()) return; // canceled: brought forward
        sweep_is_due = false;
        sweep();
    });
}

void reaper::impl::check_leftovers()
{
    // Collected first: a handler may change the map, and abandon some of these.
    auto gone = std::exchange(vanished, {});
    for (auto group = leftovers.begin(); group != leftovers.end();) {
        if (has_members(group->first)) {
            ++group;
            continue;
        }
        gone.push_back(group->second);
        group = leftovers.erase(group);
    }
    for (const auto token : gone)
        if (pids.erase(token) != 0) on.group_gone(token);
}

// Null when the child is reaped. Its pid may by now be that of another child.
const reaper::impl::child* reaper::impl::find(reaper::token whom) const
{
    const auto known = pids.find(whom);
    if (known == pids.end()) return nullptr;
    const auto found = children.find(known->second);
    return found != children.end() && found->second.token == whom ? &found->second : nullptr;
}

reaper::reaper(boost::asio::io_context& io, handlers h) : impl_(std::make_unique<impl>(io, std::move(h))) {}
reaper::~reaper() = default;

void reaper::watch(token whom, pid_t pid, unique_fd pidfd, bool leads_group)
{
    assert(!impl_->pids.contains(whom) && !impl_->children.contains(pid));
    if (const auto former = impl_->leftovers.extract(pid)) {
        impl_->vanished.push_back(former.mapped());
        impl_->sweep_later({});
    }
    epoll_event event{.events = EPOLLIN, .data = {.u64 = static_cast<std::uint64_t>(pid)}};
    // Should the kernel have no memory for this, the sweeps find the child all the same.
    ::epoll_ctl(impl_->poll.native_handle(), EPOLL_CTL_ADD, pidfd.get(), &event);
    impl_->pids.emplace(whom, pid);
    impl_->children.emplace(pid, impl::child{whom, std::move(pidfd), leads_group});
}

void reaper::abandon(token whom)
{
    assert(!impl_->find(whom));
    const auto known = impl_->pids.extract(whom);
    if (!known) return;
    const auto group = impl_->leftovers.find(known.mapped());
    if (group != impl_->leftovers.end() && group->second == whom) impl_->leftovers.erase(group);
}

result<void> reaper::signal(token whom, int signal)
{
    const auto* const child = impl_->find(whom);
    if (!child) return {};
    const auto sent = ::syscall(SYS_pidfd_send_signal, child->pidfd.get(), signal, nullptr, 0);
    if (sent != 0 && errno != ESRCH)
        return last_error("cannot signal process " + std::to_string(impl_->pids.at(whom)));
    return {};
}

result<void> reaper::signal_group(token whom, int signal)
{
    const auto known = impl_->pids.find(whom);
    if (known == impl_->pids.end()) return {};
    const pid_t group = known->second;
    if (const auto* const leader = impl_->find(whom)) {
        if (!leader->leads_group) return this->signal(whom, signal);
    } else if (const auto left = impl_->leftovers.find(group);
               left == impl_->leftovers.end() || left->second != whom || !impl_->has_members(group)) {
        // The last member has left by setsid() or setpgid(), which no event tells, and the number may be
        // another group's by now. A sweep reports it.
        impl_->sweep_later({});
        return {};
    }
    if (::kill(-group, signal) != 0 && errno != ESRCH)
        return last_error("cannot signal process group " + std::to_string(group));
    return {};
}

std::uint64_t reaper::strangers() const { return impl_->strangers; }

} // namespace procctl
