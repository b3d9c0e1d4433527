// The processes of instances, by control group or, where an instance has none, by descent: what the reaper
// knows of groups.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"
#include "daemon/os/cgroup.h"
#include "daemon/os/descendants.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <sys/types.h>

namespace procctl {

class instance_processes {
public:
    using group = descendants::group;
    static constexpr group no_group = descendants::no_group;

    explicit instance_processes(control_groups&); // throws std::system_error

    // As the reaper's.
    [[nodiscard]] result<void> open(group, const std::string& name);
    void set_invocation(group g, const std::string& id) { descendants_.set_invocation(g, id); }
    [[nodiscard]] int cgroup_of(group) const;
    [[nodiscard]] std::string cgroup_path(group) const;
    [[nodiscard]] bool joins_cgroup(group) const;
    void thaw(group);
    // One of its processes was killed by SIGKILL: perhaps by cgroup.kill.
    void expect_barren(group);
    void close(group);
    [[nodiscard]] bool is_member(group, pid_t);
    [[nodiscard]] pid_t only_child(group);
    [[nodiscard]] result<bool> signal(group, int signal, std::span<const pid_t> except);

    // A child, until it is reaped. `leads_session`: spawn() made it.
    void add_child(pid_t pid, group g, bool leads_session) { descendants_.add(pid, g, leads_session); }
    void remove_child(pid_t pid) { descendants_.remove(pid); }
    // A process of the group that is no child.
    void add_alien(pid_t pid, group g) { descendants_.saw(pid, g); }
    // Whose a child is that nobody has added, while it is not reaped; no_group when nobody waits for the end
    // of its group anyway.
    [[nodiscard]] group owner_of_stranger(pid_t) const;

    // Finds orphans that have become children: before has_processes() is asked about a group without a
    // control group. Costs nothing where there is no such group.
    void look() { descendants_.look(); }
    [[nodiscard]] bool has_processes(group) const;

    // Watches for the end of the group's last process, until it is told not to.
    void await_end(group);
    void await_no_more(group);
    [[nodiscard]] bool is_awaited(group g) const { return awaited_.contains(g); }
    // Is readable when control groups may have become empty.
    [[nodiscard]] int events() const { return events_.get(); }
    // Those of them that are awaited; has_processes() is to be asked of each. Others, closed ones, are
    // removed here.
    [[nodiscard]] std::vector<group> take_events();

private:
    using mark =
        std::uint64_t; // of a control group in the epoll: its group or, once it is closed, above those
    struct instance {
        std::string name;
        std::optional<control_group> cgroup;
    };
    struct closed_instance {
        std::string name;
        control_group cgroup;
    };

    [[nodiscard]] const control_group* find_cgroup(group) const;
    [[nodiscard]] control_group* find_cgroup(group);
    void watch_events(const control_group&, mark);
    void ignore_events(const control_group&);
    void remove_when_empty(instance&&);
    void remove_if_empty(mark);
    [[nodiscard]] result<void> mend(group, instance&);
    [[nodiscard]] static result<bool> signal_cgroup(control_group&, int signal,
                                                    std::span<const pid_t> except);

    control_groups& cgroups_;
    descendants descendants_;
    unique_fd events_; // an epoll
    std::unordered_map<group, instance> groups_;
    std::unordered_map<std::string, group> by_cgroup_; // the path of those that are awaited
    std::unordered_set<group> awaited_;
    std::unordered_map<mark, closed_instance> closed_; // to be removed when it is empty
    std::unordered_map<std::string, mark> closed_names_;
    mark last_closed_;
};

} // namespace procctl
