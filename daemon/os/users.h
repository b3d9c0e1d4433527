// Look-ups of users and groups through NSS. They may block for as long as a directory service likes: call
// them in a helper process or in `procctld --check`, never in the daemon's loop.
#pragma once

#include "common/result.h"
#include "daemon/os/identity.h"

#include <span>
#include <string>
#include <string_view>

namespace procctl {

// `user` and `group` are names or numbers; both empty: the calling process's own. The groups of `user` are
// added to `supplementary_groups`. The error names what is unknown and says which of the two stages fails:
// "unknown user 'www'".
struct identity_error {
    bool is_group = false; // 216/GROUP rather than 217/USER
    std::string message;
};
[[nodiscard]] boost::system::result<identity, identity_error>
look_up_identity(std::string_view user, std::string_view group,
                 std::span<const std::string> supplementary_groups);
[[nodiscard]] result<gid_t> look_up_group(std::string_view name);

} // namespace procctl
