#include "daemon/prepare_process.h"

#include "daemon/core/command_environment.h"

#include <algorithm>

namespace procctl {
namespace {

// The texts that a specifier_context points into.
struct specifier_texts {
    std::string uid;
    std::string instance;
};

specifier_context context_of(const instance& i, const identity& who, const host_facts& host,
                             specifier_texts& texts)
{
    texts.uid = std::to_string(who.uid);
    texts.instance = i.number == 0 ? std::string() : std::to_string(i.number);
    return {.instance_name = i.name,
            .program = i.program->config.name,
            .instance = texts.instance,
            .runtime_dir = host.daemon.runtime_dir,
            .state_dir = host.daemon.state_dir,
            .log_dir = host.daemon.log_dir,
            .host = host.host,
            .user = who.user,
            .uid = texts.uid,
            .home = who.home};
}

void assign(environment& to, std::string_view name, std::string value)
{
    for (auto& [known, old] : to)
        if (known == name) {
            old = std::move(value);
            return;
        }
    to.emplace_back(name, std::move(value));
}

std::string_view value_of(const environment& variables, std::string_view name, std::string_view otherwise)
{
    for (const auto& [known, value] : variables)
        if (known == name) return value;
    return otherwise;
}

// What the manager says about this very process. Those that hold its pid are filled in by spawn.
void add_connections(environment& to, spawn_request* request, const process_connections& connections)
{
    const auto add_pid = [&](const char* name) {
        to.emplace_back(name, "");
        if (request != nullptr) request->pid_variables.emplace_back(name);
    };
    add_pid("SYSTEMD_EXEC_PID");
    if (!connections.notify_socket.empty()) to.emplace_back("NOTIFY_SOCKET", connections.notify_socket);
    if (!connections.descriptor_names.empty()) {
        add_pid("LISTEN_PID");
        to.emplace_back("LISTEN_FDS", std::to_string(connections.descriptor_names.size()));
        std::string names;
        for (const std::string& name : connections.descriptor_names)
            names += (names.empty() ? "" : ":") + name;
        to.emplace_back("LISTEN_FDNAMES", names);
    }
    if (!value_of(to, "WATCHDOG_USEC", "").empty()) add_pid("WATCHDOG_PID");
}

result<environment> build(const instance& i, exec_command which, const identity& who, const host_facts& host,
                          const process_connections& connections, const environment& from_files,
                          spawn_request* request)
{
    const program_config& config = i.program->config;
    specifier_texts texts;
    const specifier_context context = context_of(i, who, host, texts);

    environment variables;
    variables.reserve(12 + config.environment.size() + from_files.size());
    variables.emplace_back("PATH", default_path);
    variables.emplace_back("HOME", who.home);
    variables.emplace_back("USER", who.user);
    variables.emplace_back("LOGNAME", who.user);
    variables.emplace_back("SHELL", who.shell);
    variables.emplace_back("INVOCATION_ID", i.status.invocation.text());
    if (!host.runtime_dir_of_user.empty())
        variables.emplace_back("XDG_RUNTIME_DIR", host.runtime_dir_of_user);
    // By this systemd-notify knows that its parent is the manager, in whose name it must not speak.
    if (host.manager_pid != 0) variables.emplace_back("MANAGERPID", std::to_string(host.manager_pid));
    for (auto& [name, value] : command_environment(config, i.status, which))
        variables.emplace_back(name, std::move(value));
    if (config.type == service_type::forking && !config.pid_file.empty()) {
        auto pid_file = pid_file_of(i, who, host);
        if (!pid_file) return pid_file.error();
        variables.emplace_back("PIDFILE", std::move(*pid_file));
    }
    add_connections(variables, request, connections);
    for (const auto& [name, value] : config.environment) {
        auto expanded = expand_specifiers(value, context);
        if (!expanded) return expanded.error();
        assign(variables, name, std::move(*expanded));
    }
    for (const auto& [name, value] : from_files)
        assign(variables, name, value);
    if (request != nullptr) // a variable of this name that the program sets for itself is its own
        std::erase_if(request->pid_variables,
                      [&](const std::string& name) { return !value_of(variables, name, "").empty(); });
    return variables;
}

} // namespace

result<environment> build_environment(const instance& i, exec_command which, const identity& who,
                                      const host_facts& host, const process_connections& connections,
                                      const environment& from_files)
{
    return build(i, which, who, host, connections, from_files, nullptr);
}

result<spawn_request> prepare_process(const instance& i, const start_process& ordered, const identity& who,
                                      const host_facts& host, const process_connections& connections,
                                      const environment& from_files)
{
    const program_config& config = i.program->config;
    specifier_texts texts;
    const specifier_context context = context_of(i, who, host, texts);

    spawn_request request;
    auto variables = build(i, ordered.command, who, host, connections, from_files, &request);
    if (!variables) return variables.error();
    const auto& commands = commands_of(config, ordered.command);
    const std::string key(to_text(ordered.command));
    if (ordered.index >= commands.size()) return make_error("cannot start: there is no such " + key);
    auto argv = expand_command(commands[ordered.index], context, *variables);
    if (!argv) return argv.error();
    if (argv->empty())
        return make_error("cannot start: " + key + " is empty once its variables are expanded");
    auto folder = expand_specifiers(config.working_directory, context);
    if (!folder) return folder.error();

    request.argv = std::move(*argv);
    request.candidates = exec_candidates(request.argv.front(), value_of(*variables, "PATH", default_path));
    request.envp.reserve(variables->size());
    for (auto& [name, value] : *variables)
        if (std::ranges::find(request.pid_variables, name) == request.pid_variables.end())
            request.envp.push_back(name + '=' + value);
    // systemd: the root folder for a system's services, the home folder for a user's.
    if (!folder->empty())
        request.working_directory = *folder == "~" ? who.home : std::move(*folder);
    else if (host.daemon.where == scope::user)
        request.working_directory = who.home;
    request.working_directory_optional = config.working_directory_optional;
    request.who = &who;
    request.umask = config.umask;
    request.nice = config.nice;
    request.oom_score_adjust = config.oom_score_adjust;
    request.limits = config.limits;
    request.ignore_sigpipe = config.ignore_sigpipe;
    return request;
}

result<std::string> expand_path(const instance& i, const identity& who, const host_facts& host,
                                std::string_view path)
{
    specifier_texts texts;
    return expand_specifiers(path, context_of(i, who, host, texts));
}

result<std::string> pid_file_of(const instance& i, const identity& who, const host_facts& host)
{
    auto path = expand_path(i, who, host, i.program->config.pid_file);
    if (path && !path->starts_with('/')) path->insert(0, host.daemon.runtime_dir + '/');
    return path;
}

result<std::string> log_path_of(const instance& i, const identity& who, const host_facts& host)
{
    const std::string& path = i.program->config.log.path;
    if (path.empty()) return host.daemon.log_dir + '/' + i.name + ".log";
    return expand_path(i, who, host, path);
}

} // namespace procctl
