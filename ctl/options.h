// What the command line says, as a value.
#pragma once

#include <string>
#include <vector>

namespace procctl::ctl {

struct options {
    // For every command.
    std::string socket{};
    bool user = false;
    bool system = false;
    std::string output = "text"; // or "json"
    bool no_wait = false;
    bool no_color = false;

    // For some.
    std::vector<std::string> names{}; // or files, for check
    std::string signal = "SIGTERM";
    std::string kill_whom = "all";
    std::vector<std::string> properties{};
    unsigned lines = 10;
    bool follow = false;
    bool dry_run = false;
    bool quiet = false;
    std::string config{};

    [[nodiscard]] bool json() const { return output == "json"; }
};

} // namespace procctl::ctl
