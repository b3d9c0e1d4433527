// procctl's commands: one table of name, arguments, help, options and handler. The command line, --help and
// the completion follow from it.
#pragma once

#include "ctl/options.h"
#include "ctl/session.h"

#include <span>
#include <string_view>
#include <variant>

namespace procctl::ctl {

struct option_spec {
    std::string_view flags; // "-n,--lines"
    std::string_view value; // "N"; empty for a switch
    std::string_view help;
    std::variant<bool options::*, unsigned options::*, std::string options::*,
                 std::vector<std::string> options::*>
        field;
    std::string_view choices = {}; // "main, all"; empty: anything
};

enum class names { none, optional, required };

struct command {
    std::string_view name;      // "start", "daemon status"
    std::string_view arguments; // "NAME…"
    names takes;
    std::string_view summary; // one line
    std::string_view text;    // what more there is to know; may be empty
    std::span<const option_spec> own_options;
    int (*run)(session&); // answers the exit status
};

[[nodiscard]] std::span<const command> commands();
[[nodiscard]] std::span<const option_spec> global_options();

} // namespace procctl::ctl
