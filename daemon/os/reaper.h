// Watches children: the only caller of waitid(), and the only one who signals them.
//
// A watched child is held by its pidfd in the loop. Children nobody watches (the daemon is a subreaper) are
// reaped at SIGCHLD; those that belong to the process group of a watched child are its leftovers.
#pragma once

#include "common/exit_status.h"
#include "common/result.h"
#include "common/unique_fd.h"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>

#include <sys/types.h>

namespace procctl {

class reaper {
public:
    using token = std::uint64_t; // the caller's name for a child, unique among those watched

    struct handlers {
        // The child has ended and is reaped. `has_leftovers`: others of its process group are still there;
        // the token then stays valid, for signal_group alone, until group_gone.
        std::function<void(token, const process_end&, bool has_leftovers)> exited;
        std::function<void(token)> group_gone;
    };

    // Makes this process a subreaper and blocks and watches SIGCHLD.
    reaper(boost::asio::io_context&, handlers);
    ~reaper();
    reaper(const reaper&) = delete;
    reaper& operator=(const reaper&) = delete;

    // Takes the child over. It leads its own process group when `leads_group`.
    void watch(token, pid_t, unique_fd pidfd, bool leads_group);
    // Forgets what is left of a child that has exited: its leftovers live on unwatched, and are reaped
    // silently.
    void abandon(token);

    // Signals by pidfd. A child that is gone is no error.
    [[nodiscard]] result<void> signal(token, int signal);
    // Signals the whole process group, the main process included while it lives. Only while the group's
    // number is pinned by a child of ours that is not reaped, so that it cannot be a stranger's; otherwise
    // does nothing.
    [[nodiscard]] result<void> signal_group(token, int signal);

    // Children reaped that nobody knew, since the start.
    [[nodiscard]] std::uint64_t strangers() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace procctl
