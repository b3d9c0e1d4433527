#include "daemon/os/reaper.h"

#include "daemon/os/instance_processes.h"
#include "daemon/os/pidfd.h"
#include "daemon/os/process_info.h"

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
#include <sys/wait.h>
#include <unistd.h>

// How an end is noticed.
//
// The pidfds, the signalfd for SIGCHLD and the epoll of the control groups sit in an epoll of the reaper's
// own, of which the loop sees a single descriptor: a child costs the loop no object, and a storm is taken in
// batches, between which the loop runs whatever else is ready.
//
// A process that is watched is found by its pidfd, at the same cost however many there are. Strangers have
// only SIGCHLD, which coalesces: it names one child and may stand for many, so that all children must be
// asked (a sweep), at 0.1 ms for 5,000 of them (measured). So when the one it names is watched, the sweep,
// which will most likely find nothing, waits a little and serves for all the signals that come meanwhile.
//
// Why the numbers are safe. A pid cannot be given to another process while a process, be it a zombie, has it.
// Only this file reaps. So between a waitid() with WNOWAIT that found a child of ours and the call that reaps
// it, its pid is what it was. One that is no child is held and asked by its pidfd alone.
//
// Why orphans are seen in time. The kernel hands the children of a dying process to the subreaper, us, and
// makes the process a zombie in one step (exit_notify() holds tasklist_lock over both). So once a process can
// be reaped its children are ours already, and so on down the tree; and it leaves its control group before
// that.
namespace procctl {
namespace {

constexpr int most_events_a_turn = 64;
constexpr int most_strangers_a_turn = 64;
constexpr auto sweep_delay = std::chrono::milliseconds(20);
// In epoll's data, where a process has its token.
constexpr std::uint64_t signal_mark = ~std::uint64_t{0};
constexpr std::uint64_t group_mark = signal_mark - 1;

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
// none has ended; empty: there are no children.
std::optional<siginfo_t> find_ended()
{
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return std::nullopt;
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
    struct process {
        pid_t pid;
        unique_fd pidfd;
        reaper::group group;
    };

    impl(boost::asio::io_context&, handlers, control_groups&);

    bool watch_readable(int fd, std::uint64_t mark);
    void await_ready();
    void on_ready();
    void on_sigchld();
    void add(reaper::token, pid_t, unique_fd pidfd, reaper::group);
    process remove(reaper::token);
    void reap(reaper::token);
    void reap_stranger(pid_t);
    void sweep();
    void sweep_later(std::chrono::milliseconds delay);
    void check_groups();
    bool has_processes(reaper::group) const;
    bool await_processes(reaper::group);
    unsigned watched_in(reaper::group) const;

    handlers on;
    unique_fd signals;
    instance_processes groups;
    boost::asio::posix::stream_descriptor poll; // the epoll of ours
    boost::asio::steady_timer sweep_timer;
    bool sweep_is_due = false; // the timer is armed
    std::uint64_t strangers = 0;

    std::unordered_map<reaper::token, process> watched;
    std::unordered_map<pid_t, reaper::token> by_pid;
    std::unordered_map<reaper::group, unsigned> watched_count;
    std::vector<reaper::group> to_check; // whose last process may have ended

    // A completion handler that is queued already runs even when the reaper is gone.
    std::shared_ptr<const bool> life = std::make_shared<const bool>(true);
};

reaper::impl::impl(boost::asio::io_context& io, handlers h, control_groups& cgroups)
    : on(std::move(h)), signals(watch_sigchld()), groups(cgroups), poll(io), sweep_timer(io)
{
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) throw_errno("cannot become a subreaper");
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) throw_errno("cannot make an epoll");
    poll.assign(fd);
    if (!watch_readable(signals.get(), signal_mark) || !watch_readable(groups.events(), group_mark))
        throw_errno("cannot watch SIGCHLD");
    await_ready();
    sweep_later({}); // children from before, such as those of a shell that became the daemon by exec
}

bool reaper::impl::watch_readable(int fd, std::uint64_t mark)
{
    epoll_event event{.events = EPOLLIN, .data = {.u64 = mark}};
    return ::epoll_ctl(poll.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0;
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
    const auto is_of_process = [](const epoll_event& event) { return event.data.u64 < group_mark; };
    // The signal first, while the child that it names is still known.
    for (const auto& event : ready)
        if (event.data.u64 == signal_mark) on_sigchld();
    // One look serves for all of them: they had ended before it.
    if (std::ranges::any_of(ready, is_of_process)) groups.look();
    // A handler may have reaped, forgotten or watched others meanwhile; reap() asks the kernel.
    for (const auto& event : ready)
        if (is_of_process(event)) reap(event.data.u64);
    for (const auto& event : ready) {
        if (event.data.u64 != group_mark) continue;
        const auto changed = groups.take_events();
        to_check.insert(to_check.end(), changed.begin(), changed.end());
    }
    check_groups();
}

void reaper::impl::on_sigchld()
{
    signalfd_siginfo info{};
    if (::read(signals.get(), &info, sizeof info) != sizeof info) return;
    sweep_later(by_pid.contains(static_cast<pid_t>(info.ssi_pid)) ? sweep_delay : sweep_delay.zero());
}

void reaper::impl::add(reaper::token whom, pid_t pid, unique_fd pidfd, reaper::group group)
{
    assert(whom < group_mark && !watched.contains(whom));
    // Should the kernel have no memory for this, the sweeps find a child all the same.
    if (pidfd) watch_readable(pidfd.get(), whom);
    by_pid.insert_or_assign(pid, whom); // an alien that had the number is gone, which its pidfd tells
    if (group != no_group) ++watched_count[group];
    watched.emplace(whom, process{pid, std::move(pidfd), group});
}

reaper::impl::process reaper::impl::remove(reaper::token whom)
{
    process removed = std::move(watched.extract(whom).mapped());
    if (const auto named = by_pid.find(removed.pid); named != by_pid.end() && named->second == whom)
        by_pid.erase(named);
    if (const auto count = watched_count.find(removed.group);
        count != watched_count.end() && --count->second == 0)
        watched_count.erase(count);
    // Closing alone would do, were it certain that nobody else holds a copy of the pidfd.
    ::epoll_ctl(poll.native_handle(), EPOLL_CTL_DEL, removed.pidfd.get(), nullptr);
    return removed;
}

// Does nothing for a process that still runs, or that nobody watches any more.
void reaper::impl::reap(reaper::token whom)
{
    const auto found = watched.find(whom);
    if (found == watched.end()) return;
    const pid_t pid = found->second.pid;
    const int pidfd = found->second.pidfd.get();
    siginfo_t info{};
    const bool is_ours = ::waitid(pidfd >= 0 ? P_PIDFD : P_PID, static_cast<id_t>(pidfd >= 0 ? pidfd : pid),
                                  &info, WEXITED | WNOHANG) == 0;
    if (is_ours && info.si_pid == 0) return;
    // No child of ours, or one that somebody else has reaped.
    if (!is_ours && pidfd >= 0 && !has_ended(pidfd)) return;
    const process_end end = is_ours ? end_of(info) : end_of_alien(pidfd, pid);

    const process ended = remove(whom);
    if (is_ours) groups.remove_child(pid);
    bool has_others = false;
    if (ended.group != no_group) {
        if (end == process_end{exit_code_kind::killed, SIGKILL}) groups.expect_barren(ended.group);
        has_others = await_processes(ended.group);
    }
    on.exited(whom, end, has_others);
}

void reaper::impl::reap_stranger(pid_t pid)
{
    if (const auto owner = groups.owner_of_stranger(pid); owner != no_group) to_check.push_back(owner);
    groups.remove_child(pid);
    ::waitid(P_PID, static_cast<id_t>(pid), nullptr, WEXITED | WNOHANG);
    ++strangers;
}

void reaper::impl::sweep()
{
    for (int found = 0; found < most_strangers_a_turn; ++found) {
        const auto ended = find_ended();
        if (!ended || ended->si_pid == 0) return check_groups();
        const auto known = by_pid.find(ended->si_pid);
        if (known == by_pid.end()) {
            reap_stranger(ended->si_pid);
            continue;
        }
        groups.look();
        reap(known->second);
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

bool reaper::impl::has_processes(reaper::group group) const
{
    return watched_count.contains(group) || groups.has_processes(group);
}

bool reaper::impl::await_processes(reaper::group group)
{
    const bool has_any = has_processes(group);
    has_any ? groups.await_end(group) : groups.await_no_more(group);
    return has_any;
}

void reaper::impl::check_groups()
{
    if (to_check.empty()) return;
    groups.look();
    for (const auto group : std::exchange(to_check, {})) { // a handler may add to it, for the next turn
        // Asked even where a watched one is left, whose end will tell: it is this that quiets the event.
        if (groups.has_processes(group) || watched_count.contains(group) || !groups.is_awaited(group))
            continue;
        groups.await_no_more(group);
        on.group_empty(group);
    }
}

reaper::reaper(boost::asio::io_context& io, handlers h, control_groups& cgroups)
    : impl_(std::make_unique<impl>(io, std::move(h), cgroups))
{
}
reaper::~reaper() = default;

void reaper::watch(token whom, pid_t pid, unique_fd pidfd, group g)
{
    impl_->groups.add_child(pid, g, true);
    impl_->add(whom, pid, std::move(pidfd), g);
}

void reaper::adopt(token whom, pid_t pid, unique_fd pidfd, group g)
{
    const auto info = read_process(pid);
    if (info && info->parent == ::getpid())
        impl_->groups.add_child(pid, g, false);
    else
        impl_->groups.add_alien(pid, g);
    impl_->add(whom, pid, std::move(pidfd), g);
}

void reaper::forget(token whom)
{
    if (!impl_->watched.contains(whom)) return;
    const auto forgotten = impl_->remove(whom);
    if (forgotten.group != no_group) impl_->to_check.push_back(forgotten.group);
    impl_->sweep_later({}); // it may have ended, or have been the last of its group that was left
}

result<void> reaper::signal(token whom, int signal)
{
    const auto found = impl_->watched.find(whom);
    if (found == impl_->watched.end()) return {};
    const int failed = send_signal(found->second.pidfd.get(), signal);
    if (failed != 0 && failed != ESRCH)
        return make_error(failed, "cannot signal process " + std::to_string(found->second.pid));
    return {};
}

result<bool> reaper::signal_others(group g, int signal, std::span<const token> except)
{
    std::vector<pid_t> pids;
    for (const token whom : except)
        if (const auto found = impl_->watched.find(whom); found != impl_->watched.end())
            pids.push_back(found->second.pid);
    return impl_->groups.signal(g, signal, pids);
}

std::uint64_t reaper::strangers() const { return impl_->strangers; }

result<void> reaper::open_group(group g, const std::string& name) { return impl_->groups.open(g, name); }

void reaper::set_invocation(group g, const std::string& id) { impl_->groups.set_invocation(g, id); }

int reaper::cgroup_of(group g) const { return impl_->groups.cgroup_of(g); }
void reaper::thaw(group g) { impl_->groups.thaw(g); }
bool reaper::is_watched_elsewhere(pid_t pid, group g) const
{
    const auto known = impl_->by_pid.find(pid);
    if (known == impl_->by_pid.end()) return false;
    const auto process = impl_->watched.find(known->second);
    return process != impl_->watched.end() && process->second.group != g;
}
bool reaper::await_processes(group g) { return impl_->await_processes(g); }
bool reaper::joins_cgroup(group g) const { return impl_->groups.joins_cgroup(g); }
std::string reaper::cgroup_path(group g) const { return impl_->groups.cgroup_path(g); }

void reaper::close_group(group g)
{
    assert(!impl_->watched_count.contains(g));
    impl_->groups.close(g);
}

bool reaper::has_processes(group g)
{
    impl_->groups.look();
    return impl_->has_processes(g);
}

bool reaper::is_member(group g, pid_t pid) { return impl_->groups.is_member(g, pid); }

pid_t reaper::only_child(group g) { return impl_->groups.only_child(g); }

result<reaper::candidate> reaper::open_process(pid_t pid)
{
    const auto named = "cannot take process " + std::to_string(pid) + " for a main process";
    if (pid <= 1 || pid == ::getpid()) return make_error(EPERM, named);
    candidate found{open_pidfd(pid)};
    if (!found.pidfd) return last_error(named);
    const auto info = read_process(pid);
    // That it still answers says that the number was its own while we looked.
    if (!info || info->has_ended() || send_signal(found.pidfd.get(), 0) == ESRCH)
        return make_error(ESRCH, named);
    found.is_child = info->parent == ::getpid();
    return found;
}

} // namespace procctl
