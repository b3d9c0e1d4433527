#include "daemon/accounts.h"

#include "daemon/helpers/helper_main.h"

#include <utility>

namespace procctl {
namespace {

constexpr duration limit = std::chrono::seconds(30);

bool runs_as_daemon(const program_config& config)
{
    return config.user.empty() && config.group.empty() && config.supplementary_groups.empty();
}

} // namespace

void accounts::set(std::map<std::string, resolved_identity> found, identity self)
{
    for (auto& [key, who] : found)
        if (auto& known = known_[key]; who.who || !known.who) known = std::move(who);
    self_.who = std::move(self);
}

const resolved_identity* accounts::known(const std::string& key) const
{
    const auto found = known_.find(key);
    return found == known_.end() || !found->second.who ? nullptr : &found->second;
}

const identity& accounts::of(const program_config& config) const
{
    const resolved_identity* const who = runs_as_daemon(config) ? nullptr : known(identity_key(config));
    return who == nullptr ? *self_.who : *who->who;
}

const identity* accounts::log_owner(const program_config& config) const
{
    const std::string key = log_owner_key(config);
    const resolved_identity* const owner = key.empty() ? nullptr : known(key);
    return owner == nullptr ? nullptr : &*owner->who;
}

void accounts::find(const program_config& config, answer then)
{
    if (runs_as_daemon(config)) return then(self_);
    std::string key = identity_key(config);
    if (const resolved_identity* const who = known(key)) return then(*who);
    look_up(identity_task(config), std::move(key), std::move(then));
}

void accounts::find_log_owner(const program_config& config, answer then)
{
    std::string key = log_owner_key(config);
    if (key.empty()) return then(self_);
    if (const resolved_identity* const who = known(key)) return then(*who);
    look_up(log_owner_task(config), std::move(key), std::move(then));
}

// Unknown when the configuration was loaded; the directory service may have come up since.
void accounts::look_up(std::vector<std::string> task, std::string key, answer then)
{
    helpers_.collect(std::move(task), limit,
                     [this, key = std::move(key), then = std::move(then)](const result<std::string>& text) {
                         resolved_identity found;
                         found.message = "cannot look up its user";
                         if (!text)
                             found.message += ": " + text.error().message();
                         else if (auto loaded = load_result_from_json(*text);
                                  loaded && !loaded->identities.empty())
                             found = std::move(loaded->identities.begin()->second);
                         if (found.who) known_[key] = found;
                         then(found);
                     });
}

} // namespace procctl
