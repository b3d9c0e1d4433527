// One file of conf.d: the tree of its YAML to programs.
#pragma once

#include "daemon/core/config_value.h"
#include "daemon/core/diagnostic.h"
#include "daemon/core/supervisor.h"

#include <string>
#include <string_view>
#include <vector>

namespace procctl {

// The name of another program, or of an instance of one, in a key of a program.
struct program_mention {
    std::string_view key; // "on_failure"
    std::string name;
    source_position where;
};

struct file_program {
    loaded_program program;
    // Where its `user`, `group` and `supplementary_groups` stand, for what only a look-up finds out; the
    // program's own place when it has no such key.
    source_position user;
    source_position group;
    source_position supplementary_groups;
    source_position log_user; // log.user and log.group likewise
    source_position log_group;
    std::vector<program_mention> mentions; // what only the whole configuration can tell: whether they exist
};

// The programs under `programs:`, each with the keys of `defaults:` underneath its own. Everything that is
// wrong is reported, once.
[[nodiscard]] std::vector<file_program> parse_program_file(const config_value& tree, const std::string& file,
                                                           diagnostics& out);

} // namespace procctl
