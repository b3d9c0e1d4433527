// Reads the settings file and conf.d, and looks up the users named there. It may block on a disk or a
// directory service: `procctld --check` calls it directly, the daemon only through a helper process
// (daemon/helpers).
#pragma once

#include "common/result.h"
#include "daemon/config/settings.h"
#include "daemon/core/supervisor.h"
#include "daemon/os/identity.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace procctl {

struct load_request {
    scope where = scope::system;
    std::string
        settings_file; // --config FILE: must exist; empty: the scope's default file, which may be missing
    bool look_up_users = true;
    bool check_ownership = true; // the file safety of a daemon that runs as root
    // Check these instead of conf.d; empty: conf.d. Files that are named may lie anywhere, belong to anyone.
    std::vector<std::string> files;
};

// What one program's `user`, `group` and `supplementary_groups` resolve to.
struct resolved_identity {
    std::optional<identity> who; // absent: unknown
    bool is_group = false;       // what is unknown is a group: 216/GROUP, else 217/USER
    std::string message;         // "unknown user 'www'"
};

struct load_result {
    settings daemon;
    std::vector<loaded_program> programs; // of the files without errors; a program defined twice is in none
    std::vector<std::string> files;       // the files of programs that were looked at
    std::vector<std::string> refused;     // the files that were refused, the settings file among them
    diagnostics problems;                 // of all files, in file order
    std::map<std::string, resolved_identity>
        identities; // by identity_key(config) and log_owner_key(config); empty without look_up_users
    identity self;  // the daemon's own account
    std::optional<unsigned> socket_gid; // of socket_group; absent: unknown or not asked for
    std::string host;                   // %H
};

// The same for programs that share an identity: "user\ngroup\nextra,extra".
[[nodiscard]] std::string identity_key(const program_config&);

// The same for who owns the files of a program's log: what identity_key() would be of a program with log.user
// and log.group for its user and group. Empty when neither is given: the daemon owns them.
[[nodiscard]] std::string log_owner_key(const program_config&);

// Never fails as a whole: what is wrong stands in problems. An unknown user, and a program that on_failure or
// on_success names and that is in no file, are problems of level error there; who calls decides what it means
// (an update is refused, a daemon's start goes on).
[[nodiscard]] load_result load(const load_request&);

// The result as JSON, to pass it from the helper to the daemon, and back. No YAML library is needed to read
// it.
[[nodiscard]] std::string to_json(const load_result&);
[[nodiscard]] result<load_result> load_result_from_json(std::string_view);

} // namespace procctl
