// Which daemon procctl talks to: the one named, else root the system's, others their own if it is there, else
// the system's. Pure.
#pragma once

#include "ctl/options.h"

#include <functional>
#include <string>
#include <vector>

namespace procctl::ctl {

struct environment {
    unsigned uid = 0;
    std::string procctl_socket;  // $PROCCTL_SOCKET; empty: not set
    std::string xdg_runtime_dir; // $XDG_RUNTIME_DIR; empty: not set
};

struct socket_choice {
    std::string path;
    std::vector<std::string> looked_for; // the sockets of others that were not there
};

[[nodiscard]] socket_choice choose_socket(const options&, const environment&,
                                          const std::function<bool(const std::string&)>& exists);

} // namespace procctl::ctl
