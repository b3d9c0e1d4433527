// The configuration and the accounts it names: read here, in a helper, because a disk or a directory service
// may hang, and because the YAML library's memory then never is the daemon's.
#include "daemon/helpers/helper_main.h"
#include "daemon/helpers/tasks.h"
#include "daemon/os/users.h"

#include <iostream>

namespace procctl {

std::vector<std::string> load_task(const load_request& request)
{
    return {"load", request.where == scope::user ? "user" : "system", request.settings_file,
            request.look_up_users ? "users" : "no-users"};
}

int run_load_task(std::span<const std::string> arguments)
{
    if (arguments.size() != 3) return 2;
    load_request request;
    request.where = arguments[0] == "user" ? scope::user : scope::system;
    request.settings_file = arguments[1];
    request.look_up_users = arguments[2] == "users";
    std::cout << to_json(load(request)) << std::flush;
    return std::cout ? 0 : 1;
}

std::vector<std::string> identity_task(const program_config& config)
{
    std::vector<std::string> task{"identity", config.user, config.group};
    task.insert(task.end(), config.supplementary_groups.begin(), config.supplementary_groups.end());
    return task;
}

std::vector<std::string> log_owner_task(const program_config& config)
{
    return {"identity", config.log.user, config.log.group};
}

int run_identity_task(std::span<const std::string> arguments)
{
    if (arguments.size() < 2) return 2;
    program_config config;
    config.user = arguments[0];
    config.group = arguments[1];
    config.supplementary_groups.assign(arguments.begin() + 2, arguments.end());

    resolved_identity answer;
    auto found = look_up_identity(config.user, config.group, config.supplementary_groups);
    if (found) {
        answer.who = std::move(*found);
    } else {
        answer.is_group = found.error().is_group;
        answer.message = found.error().message;
    }
    load_result carrier;
    carrier.identities.emplace(identity_key(config), std::move(answer));
    std::cout << to_json(carrier) << std::flush;
    return std::cout ? 0 : 1;
}

} // namespace procctl
