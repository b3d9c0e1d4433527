// The accounts that programs run as and that own their logs, as a helper has looked them up: what the daemon
// knows of users and groups. It never asks a directory service itself.
#pragma once

#include "daemon/config/load.h"
#include "daemon/helpers/helper_runner.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace procctl {

class accounts {
public:
    using answer = std::function<void(const resolved_identity&)>;

    // Borrowed.
    explicit accounts(helper_runner& helpers) : helpers_(helpers) {}

    // What a load has found; `self` is the daemon's own account. What was known and is not found this time
    // stays known: a directory service that has just gone away takes nothing from us.
    void set(std::map<std::string, resolved_identity> found, identity self);

    // Whom the program runs as, and who owns its logs (null: nobody in particular); as far as it is known,
    // else the daemon's own account.
    [[nodiscard]] const identity& of(const program_config&) const;
    [[nodiscard]] const identity* log_owner(const program_config&) const;

    // The same, looked up when it is not known yet: answered at once, or later.
    void find(const program_config&, answer);
    void find_log_owner(const program_config&, answer);

private:
    [[nodiscard]] const resolved_identity* known(const std::string& key) const;
    void look_up(std::vector<std::string> task, std::string key, answer);

    helper_runner& helpers_;
    std::map<std::string, resolved_identity> known_; // by identity_key() and log_owner_key()
    resolved_identity self_;
};

} // namespace procctl
