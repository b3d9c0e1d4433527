// The exit statuses of procctl. Scripts rely on them: docs/procctl.md and the man page list them.
#pragma once

namespace procctl::ctl {

enum exit_code : int {
    exit_done = 0,
    exit_failed = 1,      // the operation failed
    exit_usage = 2,       // the command line, or a value in it, is wrong
    exit_not_active = 3,  // status, is-active: a program is not running (LSB's number)
    exit_unknown = 4,     // there is no such program (LSB's number)
    exit_unreachable = 5, // no daemon answers at the socket
    exit_forbidden = 6,   // the daemon, or its socket, does not let this user in
};

} // namespace procctl::ctl
