// Who a process runs as, resolved: numbers and the account's facts. Plain values; the look-up is in users.h.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace procctl {

struct identity {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups; // supplementary groups
    std::string user;          // account name; the number as text when it has none
    std::string home;          // "/" when there is none
    std::string shell;         // "/bin/sh" when there is none
    bool changes_user = false; // `user`, `group` or `supplementary_groups` was given: set ids before exec

    friend bool operator==(const identity&, const identity&) = default;
};

} // namespace procctl
