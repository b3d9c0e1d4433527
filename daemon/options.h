// procctld's command line.
#pragma once

#include "daemon/config/load.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace procctl {

struct run_command {
    load_request request;
};
struct check_command { // --check [FILE…]
    load_request request;
};
struct print_command { // --help, --version, --schema, --keys: text for standard output
    std::string text;
};
struct usage_error { // for standard error, exit status 2
    std::string text;
};
using daemon_command = std::variant<run_command, check_command, print_command, usage_error>;

// `is_root` decides whose settings are taken when neither --system nor --user is given.
[[nodiscard]] daemon_command parse_daemon_options(int argc, const char* const* argv, bool is_root);

} // namespace procctl
