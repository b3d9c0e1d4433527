// Which processes belong to an instance where there are no control groups.
//
// The daemon is a subreaper, so every process of every instance stays its descendant for ever, and the
// question is only for the daemon's own children to whom they belong: the rest follows. A child that spawn()
// made is its instance's. An orphan that has become a child of the daemon is the instance's
//   - which it was seen to be a descendant of before,
//   - whose INVOCATION_ID it has in the environment that it was started with,
//   - in whose session or process group it is: those that a child made by spawn() leads.
// Nothing tells when an orphan comes. It is found by look(), which costs as much as the daemon has children
// (0.24 us each), so the reaper looks when a child has ended and not oftener.
//
// What this cannot see: a process that has left the session and the process group, whose environment does not
// show the INVOCATION_ID (cleared at execve, overwritten for a process title, or hidden since it runs as
// another user than an unprivileged daemon), and whose parents have all ended before anybody has looked. It
// is reaped, and is otherwise nobody's.
#pragma once

#include "common/result.h"
#include "daemon/os/signal_each.h"

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <sys/types.h>

namespace procctl {

struct process_info;

class descendants {
public:
    using group = std::uint32_t;
    static constexpr group no_group = ~group{0};

    void open(group);
    void close(group); // its processes are nobody's from now on
    [[nodiscard]] bool is_open(group g) const { return groups_.contains(g); }
    // The run to come. The run before stays known too.
    void set_invocation(group, const std::string& id);

    // A child of ours; its number is pinned until remove(). `leads_session`: spawn() made it.
    void add(pid_t, group, bool leads_session);
    // A process of the group that is no child of ours.
    void saw(pid_t, group);
    // It is about to be reaped, or has been. Returns whose it was.
    group remove(pid_t child);

    // Finds the children that nobody has added. Does nothing while no group is open.
    void look();
    // As of the last look.
    [[nodiscard]] bool has_processes(group) const;
    // Of a child of ours that is not reaped; no_group: of nobody, or not found yet.
    [[nodiscard]] group group_of(pid_t child) const;

    [[nodiscard]] bool is_member(group, pid_t);
    [[nodiscard]] std::vector<pid_t> children(group);

    // Signals every process of the group but those excepted, each once, those forked meanwhile included.
    // Returns whether there was one; the error of the first, when none could be signalled.
    [[nodiscard]] result<bool> signal(group, int signal, std::span<const pid_t> except);

private:
    struct sighting {
        group owner = no_group;
        std::uint64_t start_time = 0; // the pid may have become another's since
    };
    struct open_group {
        std::deque<std::string> invocations; // the latest last
        std::deque<pid_t> sessions;          // the latest last
        std::vector<pid_t> children;         // of ours, not reaped
        std::unordered_set<pid_t> seen;      // its keys in seen_
    };

    // `is_certain` is false when the next look may say more: its environment is not there for a moment.
    [[nodiscard]] group classify(pid_t child, const process_info&, bool& is_certain) const;
    void note(pid_t, group, std::uint64_t start_time);
    [[nodiscard]] std::vector<held_process> find_members(group);
    void add_tree(group, pid_t, int pidfd, std::vector<held_process>& found);

    std::unordered_map<group, open_group> groups_;
    std::unordered_map<pid_t, group> children_; // of ours, not reaped
    std::unordered_set<pid_t> uncertain_;       // those of nobody that are to be looked at again
    std::unordered_map<std::string, group> by_invocation_;
    std::unordered_map<pid_t, group> by_session_; // and process group: a child of ours led it
    std::unordered_map<pid_t, sighting> seen_;    // descendants that were no children of ours
};

} // namespace procctl
