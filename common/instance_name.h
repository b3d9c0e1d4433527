// Names of programs and instances, checked so that they may become part of a path.
//
// A program: [A-Za-z0-9_][A-Za-z0-9_.-]*, at most 128 bytes, not "all". An instance: the program's name, or
// program@part, where part follows the program's rule (digits included) and the whole is at most 128 bytes.
#pragma once

#include "common/result.h"

#include <string>
#include <string_view>

namespace procctl {

[[nodiscard]] result<void> check_program_name(std::string_view name);

// The two halves of "worker@1"; `instance` is empty for a program without instances.
struct instance_name {
    std::string program;
    std::string instance;

    [[nodiscard]] std::string text() const { return instance.empty() ? program : program + '@' + instance; }
    friend auto operator<=>(const instance_name&, const instance_name&) = default;
};
[[nodiscard]] result<instance_name> parse_instance_name(std::string_view text);

// fnmatch(3)'s *, ? and [] over names, without locale.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view name);
[[nodiscard]] bool is_glob(std::string_view pattern);

} // namespace procctl
