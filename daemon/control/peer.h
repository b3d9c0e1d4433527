// Who is at the other end of a connection, and what they may do.
#pragma once

#include "common/result.h"
#include "daemon/core/supervisor.h"

namespace procctl {

enum class access { none, read, control }; // each includes the one before

// Root and the daemon's own user may everything. The socket's mode and group decide who else can connect at
// all; `others` says what those may do.
struct access_rules {
    unsigned own_uid = 0;
    access others = access::control;
};

// SO_PEERCRED of a connected Unix socket: who connected, as the kernel saw it then.
[[nodiscard]] result<requester> peer_of(int connection);

// Root, or the daemon's own user.
[[nodiscard]] bool is_administrator(const access_rules&, const requester&);

[[nodiscard]] bool may(const access_rules&, const requester&, access wanted);

} // namespace procctl
