// The daemon's own settings: procctl.yaml, with every default filled in and every path absolute.
#pragma once

#include <string>

namespace procctl {

enum class scope { system, user };

struct settings {
    scope where = scope::system;
    std::string file;   // the settings file that was read; empty: none, all defaults
    std::string conf_d; // folder of *.yaml
    std::string socket; // path of the control socket
    unsigned socket_mode = 0660;
    std::string socket_group = "procctl"; // empty: the daemon's own group
    std::string log_dir;
    std::string state_dir;
    std::string runtime_dir;        // %t: the folder above the socket's own ("/run", $XDG_RUNTIME_DIR)
    std::string log_level = "info"; // trace, debug, info, warning, error
    std::string log_file;           // empty: console only
    bool control_groups = true;     // of their own for programs, where they can be had

    friend bool operator==(const settings&, const settings&) = default;
};

} // namespace procctl
