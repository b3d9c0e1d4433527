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
    std::string output = "text"; // or "json"; of logs "raw" or "json"
    bool no_wait = false;
    bool no_color = false;

    // For some.
    std::vector<std::string> names{}; // or files, for check
    std::string signal = "SIGTERM";
    std::string kill_whom = "all";
    std::vector<std::string> properties{};
    std::string lines{}; // a number, or "all"; empty: as many as suit the question
    bool follow = false;
    std::string since{}; // times, as timestamp.h has them
    std::string until{};
    bool only_stdout = false;
    bool only_stderr = false;
    std::string grep{};
    bool rotate = false;
    bool dry_run = false;
    bool quiet = false;
    std::string config{};

    [[nodiscard]] bool json() const { return output == "json"; }
};

} // namespace procctl::ctl
