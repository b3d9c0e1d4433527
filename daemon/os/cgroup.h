// Control groups, version 2: one for each instance, in a folder below the daemon's own.
//
// They name the processes of an instance however far those have forked; no controller is enabled. The folder
// is procctl.<identity>, so that daemons in one control group do not meet, and that a daemon finds what its
// predecessor has left.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"
#include "daemon/os/cgroup_location.h"

#include <string>
#include <vector>

#include <sys/types.h>

namespace procctl {

// An open control group. Closing it does not remove it.
class control_group {
public:
    control_group(unique_fd directory, unique_fd events, std::string path, bool is_fertile);

    // For CLONE_INTO_CGROUP.
    [[nodiscard]] int directory() const { return directory_.get(); }
    // As /proc/PID/cgroup shows it: "/system.slice/procctld.service/procctl.801-1f/web".
    [[nodiscard]] const std::string& path() const { return path_; }

    // Whether there is a process, here or below, that has not ended. A zombie is none.
    [[nodiscard]] bool has_processes() const;
    // Whether it was removed by somebody, or frozen (cgroup.freeze): whoever is born there does not begin to
    // run.
    enum class condition { sound, frozen, removed };
    [[nodiscard]] condition state() const;
    // Lets what is frozen run again.
    [[nodiscard]] result<void> thaw() const;
    // Polls as EPOLLPRI when has_processes() may have changed since it was asked last.
    [[nodiscard]] int events() const { return events_.get(); }
    // The ids of those processes. One may have ended, and its id be another's, before it is looked at.
    [[nodiscard]] std::vector<pid_t> processes() const;
    // Whether a process, or a zombie, is here or below.
    [[nodiscard]] bool contains(pid_t) const;
    // SIGKILL to all, here and below, those included that are being forked. Linux 5.14.
    [[nodiscard]] result<void> kill();
    // Whether a process may be born in it. Not after a kill(): the kernel (seen on 6.18) compares the count
    // of kills of the parent's control group with that of the child's, and kills a child born where they
    // differ. It can still be moved in.
    [[nodiscard]] bool is_fertile() const { return is_fertile_; }
    void expect_barren() { is_fertile_ = false; } // somebody else may have killed it

private:
    unique_fd directory_;
    unique_fd events_;
    std::string path_;
    bool is_fertile_ = true;
};

class control_groups {
public:
    // Makes the folder, or finds out why there can be none; removes the empty control groups that daemons
    // which are gone have left. `proc_self` is where `cgroup` and `mountinfo` are read.
    explicit control_groups(const std::string& identity, const std::string& proc_self = "/proc/self");
    // None are to be used, for this reason.
    struct unwanted {
        std::string reason;
    };
    explicit control_groups(unwanted);
    // For who knows the identity later: until then there are none. Once.
    void set_up(const std::string& identity, const std::string& proc_self = "/proc/self");
    // Removes what is empty.
    ~control_groups();
    control_groups(const control_groups&) = delete;
    control_groups& operator=(const control_groups&) = delete;

    [[nodiscard]] bool are_available() const { return static_cast<bool>(folder_); }
    // For the log: "control groups in /sys/fs/cgroup/…/procctl.801-1f", or "no control groups: " and why.
    [[nodiscard]] std::string description() const;

    // Makes the control group of an instance, or opens the one that is there. `name` has no '/'. One that is
    // there and empty is made anew, since nobody knows whether it was killed once.
    [[nodiscard]] result<control_group> open(const std::string& name);
    // Removes it, with what its processes have made below it; false: not yet, there is a process.
    bool remove(const std::string& name);

private:
    [[nodiscard]] result<void> make_folder(const cgroup_location& own);

    std::string folder_name_; // "procctl.801-1f"
    cgroup_location own_;     // of the daemon
    bool is_fertile_ = true;  // as control_group's: the daemon's own may have been killed once
    unique_fd folder_;        // locked: a folder that nobody has locked belongs to a daemon that is gone
    std::string why_not_;
};

} // namespace procctl
