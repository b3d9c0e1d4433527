// Reads the command line. The option library stays behind this header.
#pragma once

#include "ctl/commands.h"

#include <string>
#include <variant>
#include <vector>

namespace procctl::ctl {

struct parsed_command {
    const command* what = nullptr;
    options opts;
};
// Nothing is to be run: print the text and end.
struct early_end {
    int status = 0;
    std::string text;
};

// The words after the program's name.
[[nodiscard]] std::variant<parsed_command, early_end>
parse_command_line(const std::vector<std::string>& words);

} // namespace procctl::ctl
