// Watches processes: the only caller of waitid(), and the only one who signals.
//
// A watched process is held by its pidfd in the loop. Processes that nobody watches and that become children
// of the daemon (it is a subreaper) are reaped silently; which instance they belong to is known by their
// control group or, where there is none, by their descent (instance_processes.h).
#pragma once

#include "common/exit_status.h"
#include "common/result.h"
#include "common/unique_fd.h"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include <sys/types.h>

namespace procctl {

class control_groups;

class reaper {
public:
    using token =
        std::uint64_t; // the caller's name for a process, unique among those watched; not the last two
    using group = std::uint32_t;                 // the caller's name for the processes of an instance
    static constexpr group no_group = ~group{0}; // helpers, the output process

    struct handlers {
        // It has ended, and is reaped when it was a child. `has_others`: its group has processes yet, watched
        // ones whose end has not been told among them.
        std::function<void(token, const process_end&, bool has_others)> exited;
        // The last `exited` of the group said that it has others. It has none any more, and there is no
        // watched one left whose own `exited` would say so.
        std::function<void(group)> group_empty;
    };

    // Makes this process a subreaper and blocks and watches SIGCHLD. `cgroups` is borrowed, and outlives it.
    reaper(boost::asio::io_context&, handlers, control_groups& cgroups);
    ~reaper();
    reaper(const reaper&) = delete;
    reaper& operator=(const reaper&) = delete;

    // Takes over a child that spawn() made: the leader of its session. A group other than no_group is open.
    void watch(token, pid_t, unique_fd pidfd, group);
    // Watches a process that we did not make (a forking daemon, MAINPID=), child of ours or not, and of this
    // group or not; nobody else watches it. `pidfd` is open_process()'s. The end of one that is no child of
    // ours is told as soon as it happens, but how it ended may not be known: process_end{}. It is known where
    // it is reaped only after we have looked, or the kernel remembers (Linux 6.15).
    void adopt(token, pid_t, unique_fd pidfd, group);
    // It is of no interest any more: a process like any other of its group, reaped silently.
    void forget(token);

    // Signals by pidfd. A process that is gone, or whom nobody watches, is no error.
    [[nodiscard]] result<void> signal(token, int signal);
    // Signals every process of the group but those watched under `except`, which have got the same signal
    // before, one by one. Each gets it once. SIGKILL goes to all at once where there is a control group, so
    // that a process that forks meanwhile cannot escape; there the excepted get it again. "true": there was
    // somebody to signal.
    [[nodiscard]] result<bool> signal_others(group, int signal, std::span<const token> except);

    // Children reaped that nobody watched, since the start.
    [[nodiscard]] std::uint64_t strangers() const;

    // Opens the group; to be called before each process of the instance is made. One that is open is mended
    // where somebody else has frozen or removed its control group; else it stays as it is. `name` is the
    // instance's. Processes that an earlier group of that name has left behind in its control group belong to
    // it. An error says why there is no control group of its own where the others have one; the group works,
    // as without.
    [[nodiscard]] result<void> open_group(group, const std::string& name);
    // Without a control group a process is known by the INVOCATION_ID in its environment too: this, of the
    // run to come, and the one before.
    void set_invocation(group, const std::string& id);
    // For spawn_request::cgroup and joins_cgroup; -1: it has none.
    [[nodiscard]] int cgroup_of(group) const;
    [[nodiscard]] bool joins_cgroup(group) const;
    // As /proc/PID/cgroup shows it; empty: it has none.
    [[nodiscard]] std::string cgroup_path(group) const;
    // What is frozen acts on no signal but SIGKILL.
    void thaw(group);
    // Forgets the group; what is left of it lives on, and is reaped silently. Its control group is removed
    // when it is empty. Nobody of it is watched any more.
    void close_group(group);

    // Whether there is a process, watched ones whose end has not been told included.
    [[nodiscard]] bool has_processes(group);
    // The same, and when there is one, group_empty will tell that there is none any more, as after `exited`.
    [[nodiscard]] bool await_processes(group);
    [[nodiscard]] bool is_member(group, pid_t);
    // systemd's guess at a main process: the only process of the group that is a child of ours; 0: none, or
    // several.
    [[nodiscard]] pid_t only_child(group);

    // Whether somebody else watches it: another group's process is nobody else's main process.
    [[nodiscard]] bool is_watched_elsewhere(pid_t, group) const;
    // A process that is to be adopted.
    struct candidate {
        unique_fd pidfd;
        bool is_child = false; // of ours, at the moment
    };
    // Errors: there is no such process, it has ended, or it cannot be anybody's main process: init, or us.
    [[nodiscard]] static result<candidate> open_process(pid_t);

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace procctl
