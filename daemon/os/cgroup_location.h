// Where control groups of version 2 are, from what /proc says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace procctl {

// A control group: its name as /proc/PID/cgroup shows it, "/" or "/system.slice/x.service", and its folder.
struct cgroup_location {
    std::string group_path;
    std::string file_path;

    friend bool operator==(const cgroup_location&, const cgroup_location&) = default;
};

// The path on the line of version 2 ("0::/…") of /proc/PID/cgroup; empty: there is none. Of a zombie whose
// control group is removed it ends in " (deleted)".
[[nodiscard]] std::string parse_cgroup(std::string_view proc_cgroup);

// The folders under which that control group is mounted: none, one or, where it is mounted several times,
// several.
[[nodiscard]] std::vector<cgroup_location> find_cgroup(const std::string& group_path,
                                                       std::string_view mountinfo);

} // namespace procctl
