#include "ctl/socket_path.h"

namespace procctl::ctl {
namespace {

constexpr const char* system_socket = "/run/procctl/procctl.sock";

std::string users_socket(const environment& env)
{
    const std::string folder =
        env.xdg_runtime_dir.empty() ? "/run/user/" + std::to_string(env.uid) : env.xdg_runtime_dir;
    return folder + "/procctl/procctl.sock";
}

} // namespace

socket_choice choose_socket(const options& wish, const environment& env,
                            const std::function<bool(const std::string&)>& exists)
{
    if (!wish.socket.empty()) return {wish.socket, {}};
    if (wish.user) return {users_socket(env), {}};
    if (wish.system) return {system_socket, {}};
    if (!env.procctl_socket.empty()) return {env.procctl_socket, {}};
    if (env.uid == 0) return {system_socket, {}};
    const std::string own = users_socket(env);
    if (exists(own)) return {own, {}};
    return {system_socket, {own}};
}

} // namespace procctl::ctl
