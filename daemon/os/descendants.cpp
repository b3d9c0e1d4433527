#include "daemon/os/descendants.h"

#include "daemon/os/pidfd.h"
#include "daemon/os/process_info.h"

#include <algorithm>
#include <functional>
#include <unordered_set>
#include <utility>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

namespace procctl {
namespace {

constexpr std::size_t most_invocations = 2;
// Of runs whose last processes hold on. Beyond that the oldest are known by their other marks only.
constexpr std::size_t most_sessions = 16;
constexpr int most_waits = 20; // a millisecond in all, for an orphan without an environment
constexpr unsigned wait_us = 50;
constexpr int most_generations = 1000; // a chain that changes while it is followed could be endless

bool is_living(pid_t pid)
{
    const auto info = read_process(pid);
    return info && !info->has_ended();
}

} // namespace

void descendants::open(group g) { groups_.try_emplace(g); }

void descendants::close(group g)
{
    const auto closed = groups_.extract(g);
    if (!closed) return;
    const auto& mine = closed.mapped();
    for (const auto& id : mine.invocations)
        by_invocation_.erase(id);
    for (const pid_t session : mine.sessions)
        if (const auto owner = by_session_.find(session); owner != by_session_.end() && owner->second == g)
            by_session_.erase(owner);
    for (const pid_t pid : mine.seen)
        if (const auto last = seen_.find(pid); last != seen_.end() && last->second.owner == g)
            seen_.erase(last);
    for (const pid_t child : mine.children)
        children_.insert_or_assign(child, no_group);
}

void descendants::set_invocation(group g, const std::string& id)
{
    const auto found = groups_.find(g);
    if (found == groups_.end()) return;
    auto& ids = found->second.invocations;
    if (!ids.empty() && ids.back() == id) return;
    ids.push_back(id);
    by_invocation_.insert_or_assign(id, g);
    if (ids.size() <= most_invocations) return;
    by_invocation_.erase(ids.front());
    ids.pop_front();
}

void descendants::add(pid_t pid, group g, bool leads_session)
{
    if (groups_.empty()) return; // nobody asks; who is not known here is taken for an orphan of nobody
    remove(pid);                 // an orphan that had been found
    auto found = groups_.find(g);
    if (found == groups_.end()) g = no_group;
    children_.emplace(pid, g);
    if (leads_session) by_session_.erase(pid); // the number was free: nobody is left of the former session
    if (g == no_group) return;
    auto& mine = found->second;
    mine.children.push_back(pid);
    if (!leads_session) return;
    by_session_.emplace(pid, g);
    mine.sessions.push_back(pid);
    if (mine.sessions.size() <= most_sessions) return;
    if (const auto oldest = by_session_.find(mine.sessions.front());
        oldest != by_session_.end() && oldest->second == g && oldest->first != pid)
        by_session_.erase(oldest);
    mine.sessions.pop_front();
}

void descendants::saw(pid_t pid, group g)
{
    if (!groups_.contains(g)) return;
    if (const auto info = read_process(pid)) note(pid, g, info->start_time);
}

void descendants::note(pid_t pid, group g, std::uint64_t start_time)
{
    groups_.at(g).seen.insert(pid);
    seen_.insert_or_assign(pid, sighting{g, start_time});
}

descendants::group descendants::remove(pid_t child)
{
    uncertain_.erase(child);
    const auto removed = children_.extract(child);
    if (!removed) return no_group;
    const auto found = groups_.find(removed.mapped());
    if (found != groups_.end()) std::erase(found->second.children, child);
    return removed.mapped();
}

void descendants::look()
{
    if (groups_.empty()) return;
    for (const pid_t pid : children_of(::getpid())) {
        if (children_.contains(pid) && !uncertain_.contains(pid)) continue;
        const auto info = read_process(pid);
        if (!info || info->has_ended()) continue;
        bool is_certain = true;
        group owner = classify(pid, *info, is_certain);
        // It executes another program, which is over in no time as a rule; whoever asks wants to know now.
        for (int i = 0; i < most_waits && !is_certain && !uncertain_.contains(pid); ++i) {
            ::usleep(wait_us);
            owner = classify(pid, *info, is_certain);
        }
        add(pid, owner, false);
        if (owner == no_group && !is_certain) uncertain_.insert(pid);
    }
}

// The pid is pinned: it is a child of ours.
descendants::group descendants::classify(pid_t child, const process_info& info, bool& is_certain) const
{
    if (const auto last = seen_.find(child);
        last != seen_.end() && last->second.start_time == info.start_time)
        return last->second.owner;
    // Not by a session first: its number may be another's once its last process is gone, which nothing tells.
    const auto environment = read_environment_of(child);
    is_certain = !environment || !environment->empty();
    if (const auto id = environment_value(environment.value_or(""), "INVOCATION_ID"))
        if (const auto owner = by_invocation_.find(*id); owner != by_invocation_.end()) return owner->second;
    for (const pid_t leader : {info.session, info.group})
        if (const auto owner = by_session_.find(leader); owner != by_session_.end()) return owner->second;
    return no_group;
}

bool descendants::has_processes(group g) const
{
    const auto found = groups_.find(g);
    return found != groups_.end() && std::ranges::any_of(found->second.children, is_living);
}

descendants::group descendants::group_of(pid_t child) const
{
    const auto found = children_.find(child);
    return found != children_.end() ? found->second : no_group;
}

bool descendants::is_member(group g, pid_t pid)
{
    const pid_t self = ::getpid();
    // Up to our own child, of which it is a descendant. A chain that breaks while it is followed ends at
    // init, or at nobody.
    for (int depth = 0; pid > 1 && pid != self && depth < most_generations; ++depth) {
        const auto info = read_process(pid);
        if (!info) return false;
        if (info->parent == self && !children_.contains(pid)) look();
        if (const auto child = children_.find(pid); child != children_.end()) return child->second == g;
        pid = info->parent;
    }
    return false;
}

std::vector<pid_t> descendants::children(group g)
{
    look();
    const auto found = groups_.find(g);
    if (found == groups_.end()) return {};
    auto living = found->second.children;
    std::erase_if(living, std::not_fn(is_living));
    return living;
}

// Appends the descendants of a process. `pidfd` is -1 for a child of ours, whose number is pinned.
void descendants::add_tree(group g, pid_t pid, int pidfd, std::vector<held_process>& found)
{
    struct child {
        held_process process;
        std::uint64_t start_time;
    };
    std::vector<child> children;
    for (const pid_t number : children_of(pid)) {
        auto held = open_pidfd(number);
        const auto info = held ? read_process(number) : std::nullopt;
        if (info && info->parent == pid && !info->has_ended())
            children.push_back({{number, std::move(held)}, info->start_time});
    }
    // If the parent is reaped, its number may have been another's while we looked. Its children are ours
    // then, and found there.
    if (pidfd >= 0 && send_signal(pidfd, 0) == ESRCH) return;
    for (auto& [process, start_time] : children) {
        note(process.pid, g, start_time);
        const pid_t number = process.pid;
        const int held = process.pidfd.get();
        found.push_back(std::move(process));
        add_tree(g, number, held, found);
    }
}

std::vector<held_process> descendants::find_members(group g)
{
    auto& mine = groups_.at(g);
    const auto seen_before = mine.seen;
    std::vector<held_process> found;
    std::unordered_set<pid_t> walked;
    // Twice: what was orphaned while its tree was walked is a child of ours by the time of the second look.
    for (int pass = 0; pass < 2; ++pass) {
        look();
        for (const pid_t child : mine.children) {
            if (!walked.insert(child).second || !is_living(child)) continue;
            found.push_back({child, unique_fd()});
            add_tree(g, child, -1, found);
        }
    }
    // What was seen before and not this time has ended, or has become a child of ours and been found as one.
    std::unordered_set<pid_t> seen_now;
    for (const auto& process : found)
        if (process.pidfd) seen_now.insert(process.pid);
    for (const pid_t pid : seen_before)
        if (!seen_now.contains(pid) && mine.seen.erase(pid) != 0 && seen_.at(pid).owner == g)
            seen_.erase(pid);
    return found;
}

result<bool> descendants::signal(group g, int signal, std::span<const pid_t> except)
{
    if (!groups_.contains(g)) return false;
    const auto find = [&](const std::unordered_set<pid_t>&) { return find_members(g); };
    // First all are stopped, so that none forks, or leaves an orphan behind, while others are killed.
    if (signal == SIGKILL) (void)signal_each(find, SIGSTOP, except);
    return signal_each(find, signal, except);
}

} // namespace procctl
