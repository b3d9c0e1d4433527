#include "daemon/os/instance_processes.h"

#include "daemon/os/pidfd.h"
#include "daemon/os/process_info.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string_view>
#include <system_error>
#include <utility>

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

// Only control groups whose end is awaited are in the epoll: a program that is started and ends, over and
// over, makes no event here, and costs one read of its cgroup.events at each end. EPOLLPRI stays until that
// file is read; the kernel sends at most one every 10 ms for each. So that an end is told sooner than that,
// the reaper asks too when a child of ours ends that had been orphaned.
namespace procctl {
namespace {

constexpr int most_events_a_turn = 64;

} // namespace

instance_processes::instance_processes(control_groups& cgroups)
    : cgroups_(cgroups), events_(::epoll_create1(EPOLL_CLOEXEC)), last_closed_(no_group)
{
    if (!events_) throw std::system_error(errno, std::generic_category(), "cannot make an epoll");
}

result<void> instance_processes::open(group g, const std::string& name)
{
    const auto [entry, is_new] = groups_.try_emplace(g, instance{name, {}});
    if (!is_new) return mend(g, entry->second);
    if (!cgroups_.are_available()) {
        descendants_.open(g);
        return {};
    }
    if (const auto former = closed_names_.find(name); former != closed_names_.end()) {
        auto closed = closed_.extract(former->second);
        closed_names_.erase(former);
        ignore_events(closed.mapped().cgroup);
        entry->second.cgroup = std::move(closed.mapped().cgroup);
        if (const auto mended = mend(g, entry->second); !mended) return mended;
    } else {
        auto made = cgroups_.open(name);
        if (!made) {
            descendants_.open(g);
            return made.error();
        }
        entry->second.cgroup = std::move(*made);
    }
    return {};
}

// Before a process is made: others may do to the control group what they like.
result<void> instance_processes::mend(group g, instance& i)
{
    if (!i.cgroup) return {};
    switch (i.cgroup->state()) {
    case control_group::condition::sound:
        if (i.cgroup->is_fertile() || i.cgroup->has_processes()) return {};
        break;
    case control_group::condition::frozen:
        // The daemon would wait for a child that cannot execute its program.
        if (const auto thawed = i.cgroup->thaw(); !thawed) return thawed;
        if (i.cgroup->is_fertile() || i.cgroup->has_processes()) return {};
        break;
    case control_group::condition::removed: break;
    }
    ignore_events(*i.cgroup);
    auto made = cgroups_.open(i.name);
    if (!made) {
        by_cgroup_.erase(i.cgroup->path());
        i.cgroup.reset();
        descendants_.open(g);
        return made.error();
    }
    i.cgroup = std::move(*made);
    if (awaited_.contains(g)) watch_events(*i.cgroup, g); // its end may not have been told yet
    return {};
}

void instance_processes::thaw(group g)
{
    const auto* const cgroup = find_cgroup(g);
    if (cgroup && cgroup->state() == control_group::condition::frozen) (void)cgroup->thaw();
}

void instance_processes::expect_barren(group g)
{
    if (auto* const cgroup = find_cgroup(g)) cgroup->expect_barren();
}

control_group* instance_processes::find_cgroup(group g)
{
    const auto found = groups_.find(g);
    return found != groups_.end() && found->second.cgroup ? &*found->second.cgroup : nullptr;
}

const control_group* instance_processes::find_cgroup(group g) const
{
    const auto found = groups_.find(g);
    return found != groups_.end() && found->second.cgroup ? &*found->second.cgroup : nullptr;
}

std::string instance_processes::cgroup_path(group g) const
{
    const auto* const cgroup = find_cgroup(g);
    return cgroup ? cgroup->path() : std::string();
}

bool instance_processes::joins_cgroup(group g) const
{
    const auto* const cgroup = find_cgroup(g);
    return cgroup && !cgroup->is_fertile();
}

int instance_processes::cgroup_of(group g) const
{
    const auto* const cgroup = find_cgroup(g);
    return cgroup ? cgroup->directory() : -1;
}

void instance_processes::close(group g)
{
    await_no_more(g);
    descendants_.close(g);
    auto closed = groups_.extract(g);
    if (!closed || !closed.mapped().cgroup) return;
    if (!cgroups_.remove(closed.mapped().name)) remove_when_empty(std::move(closed.mapped()));
}

void instance_processes::remove_when_empty(instance&& left)
{
    const mark m = ++last_closed_;
    watch_events(*left.cgroup, m);
    closed_names_.insert_or_assign(left.name, m);
    closed_.emplace(m, closed_instance{std::move(left.name), std::move(*left.cgroup)});
    remove_if_empty(m); // by now
}

void instance_processes::remove_if_empty(mark m)
{
    const auto found = closed_.find(m);
    if (found == closed_.end()) return;
    const auto& [name, cgroup] = found->second;
    if (cgroup.has_processes() || !cgroups_.remove(name)) return;
    ignore_events(cgroup);
    closed_names_.erase(name);
    closed_.erase(found);
}

bool instance_processes::is_member(group g, pid_t pid)
{
    if (const auto* const cgroup = find_cgroup(g)) return cgroup->contains(pid);
    return descendants_.is_member(g, pid);
}

pid_t instance_processes::only_child(group g)
{
    std::vector<pid_t> children;
    if (const auto* const cgroup = find_cgroup(g)) {
        children = cgroup->processes();
        std::erase_if(children, [self = ::getpid()](pid_t pid) {
            const auto info = read_process(pid);
            return !info || info->parent != self || info->has_ended();
        });
    } else {
        children = descendants_.children(g);
    }
    return children.size() == 1 ? children.front() : 0;
}

result<bool> instance_processes::signal(group g, int signal, std::span<const pid_t> except)
{
    if (auto* const cgroup = find_cgroup(g)) return signal_cgroup(*cgroup, signal, except);
    return descendants_.signal(g, signal, except);
}

result<bool> instance_processes::signal_cgroup(control_group& cgroup, int signal,
                                               std::span<const pid_t> except)
{
    const auto is_known = [](const auto& known, pid_t pid) {
        return std::ranges::find(known, pid) != known.end();
    };
    if (signal == SIGKILL) {
        const auto all = cgroup.processes();
        if (std::ranges::all_of(all, [&](pid_t pid) { return is_known(except, pid); })) return false;
        if (cgroup.kill()) return true;
        // Before Linux 5.14, one by one.
    }
    const auto find = [&](const std::unordered_set<pid_t>& known) {
        std::vector<held_process> found;
        for (const pid_t pid : cgroup.processes()) {
            if (known.contains(pid)) continue;
            // Held first, then asked whether it is still one of the group: the number may be another's.
            auto pidfd = open_pidfd(pid);
            if (pidfd && cgroup.contains(pid)) found.push_back({pid, std::move(pidfd)});
        }
        return found;
    };
    return signal_each(find, signal, except);
}

instance_processes::group instance_processes::owner_of_stranger(pid_t pid) const
{
    if (awaited_.empty()) return no_group;
    if (const group g = descendants_.group_of(pid); g != no_group) return g;
    if (by_cgroup_.empty()) return no_group;
    // It may have been in a control group below that of the instance.
    for (auto path = cgroup_of_process(pid); !path.empty(); path.resize(path.rfind('/')))
        if (const auto found = by_cgroup_.find(path); found != by_cgroup_.end()) return found->second;
    return no_group;
}

bool instance_processes::has_processes(group g) const
{
    if (const auto* const cgroup = find_cgroup(g)) return cgroup->has_processes();
    return descendants_.has_processes(g);
}

void instance_processes::await_end(group g)
{
    if (!awaited_.insert(g).second) return;
    const auto* const cgroup = find_cgroup(g);
    if (!cgroup) return;
    watch_events(*cgroup, g);
    by_cgroup_.insert_or_assign(cgroup->path(), g);
}

void instance_processes::await_no_more(group g)
{
    if (awaited_.erase(g) == 0) return;
    const auto* const cgroup = find_cgroup(g);
    if (!cgroup) return;
    ignore_events(*cgroup);
    by_cgroup_.erase(cgroup->path());
}

void instance_processes::watch_events(const control_group& cgroup, mark m)
{
    epoll_event event{.events = EPOLLPRI, .data = {.u64 = m}};
    ::epoll_ctl(events_.get(), EPOLL_CTL_ADD, cgroup.events(), &event);
}

void instance_processes::ignore_events(const control_group& cgroup)
{
    ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, cgroup.events(), nullptr);
}

std::vector<instance_processes::group> instance_processes::take_events()
{
    std::array<epoll_event, most_events_a_turn> events;
    const int count = ::epoll_wait(events_.get(), events.data(), most_events_a_turn, 0);
    std::vector<group> changed;
    for (const auto& event : std::span(events).first(static_cast<std::size_t>(std::max(count, 0)))) {
        if (event.data.u64 > no_group)
            remove_if_empty(event.data.u64);
        else
            changed.push_back(static_cast<group>(event.data.u64));
    }
    return changed;
}

} // namespace procctl
