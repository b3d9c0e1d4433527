// Expansion of % specifiers and of $VAR / ${VAR} in the strings of a program_config. Pure.
#pragma once

#include "common/result.h"
#include "daemon/core/program_config.h"

#include <string>
#include <string_view>
#include <vector>

namespace procctl {

// What the specifiers stand for, for one instance.
struct specifier_context {
    std::string_view instance_name; // %n %N
    std::string_view program;       // %p
    std::string_view instance;      // %i, empty without instances
    std::string_view runtime_dir;   // %t
    std::string_view state_dir;     // %S
    std::string_view log_dir;       // %L
    std::string_view host;          // %H
    std::string_view user;          // %u
    std::string_view uid;           // %U
    std::string_view home;          // %h
};

// Errors: an unknown specifier, a '%' at the end. "%%" is a percent sign.
[[nodiscard]] result<std::string> expand_specifiers(std::string_view text, const specifier_context&);
// Whether every specifier of the text is known: what the loader checks.
[[nodiscard]] result<void> check_specifiers(std::string_view text);

using environment = std::vector<std::pair<std::string, std::string>>; // names unique, last assignment wins

// Whether every $VAR and ${VAR} of the command names a variable: "$VAR/x" and "${VAR:-x}" would silently
// vanish in systemd, so the loader refuses them.
[[nodiscard]] result<void> check_variables(const command&);

// argv of a command as systemd.service(5) "COMMAND LINES" builds it: specifiers, then ${VAR} anywhere in a
// word (one word), $VAR as a word of its own (split at white space into zero or more words), "$$" a dollar;
// unset is empty. The first word, the file to execute, is no variable.
[[nodiscard]] result<std::vector<std::string>> expand_command(const command&, const specifier_context&,
                                                              const environment&);

} // namespace procctl
