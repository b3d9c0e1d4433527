#include "daemon/core/program_config.h"

namespace procctl {

std::string instance_name_of(const program_config& program, unsigned n)
{
    if (program.instances == 0) return program.name;
    return program.name + '@' + std::to_string(n);
}

unsigned instance_count(const program_config& program)
{
    return program.instances == 0 ? 1 : program.instances;
}

const std::vector<command>& commands_of(const program_config& program, exec_command which)
{
    switch (which) {
    case exec_command::condition: return program.exec_condition;
    case exec_command::start_pre: return program.exec_start_pre;
    case exec_command::start: return program.exec_start;
    case exec_command::start_post: return program.exec_start_post;
    case exec_command::reload: return program.exec_reload;
    case exec_command::stop: return program.exec_stop;
    case exec_command::stop_post: return program.exec_stop_post;
    }
    return program.exec_start;
}

notify_access effective_notify_access(const program_config& program)
{
    const bool is_needed = is_notify(program.type) || program.watchdog != duration::zero() ||
                           program.file_descriptor_store_max != 0;
    return program.notify == notify_access::none && is_needed ? notify_access::main : program.notify;
}

bool is_notify(service_type type)
{
    return type == service_type::notify || type == service_type::notify_reload;
}

std::string_view to_text(service_type type)
{
    switch (type) {
    case service_type::simple: return "simple";
    case service_type::exec: return "exec";
    case service_type::forking: return "forking";
    case service_type::oneshot: return "oneshot";
    case service_type::notify: return "notify";
    case service_type::notify_reload: return "notify-reload";
    }
    return {};
}

std::string_view to_text(exit_type type)
{
    switch (type) {
    case exit_type::main: return "main";
    case exit_type::cgroup: return "cgroup";
    }
    return {};
}

std::string_view to_text(notify_access access)
{
    switch (access) {
    case notify_access::none: return "none";
    case notify_access::main: return "main";
    case notify_access::exec: return "exec";
    case notify_access::all: return "all";
    }
    return {};
}

std::string_view to_text(timeout_failure_mode mode)
{
    switch (mode) {
    case timeout_failure_mode::terminate: return "terminate";
    case timeout_failure_mode::abort: return "abort";
    case timeout_failure_mode::kill: return "kill";
    }
    return {};
}

std::string_view to_text(emergency_action action)
{
    switch (action) {
    case emergency_action::none: return "none";
    case emergency_action::exit: return "exit";
    }
    return {};
}

std::string_view to_text(exec_command which)
{
    switch (which) {
    case exec_command::condition: return "exec_condition";
    case exec_command::start_pre: return "exec_start_pre";
    case exec_command::start: return "exec_start";
    case exec_command::start_post: return "exec_start_post";
    case exec_command::reload: return "exec_reload";
    case exec_command::stop: return "exec_stop";
    case exec_command::stop_post: return "exec_stop_post";
    }
    return {};
}

std::string_view to_text(restart_mode mode)
{
    switch (mode) {
    case restart_mode::no: return "no";
    case restart_mode::on_success: return "on-success";
    case restart_mode::on_failure: return "on-failure";
    case restart_mode::on_abnormal: return "on-abnormal";
    case restart_mode::on_abort: return "on-abort";
    case restart_mode::on_watchdog: return "on-watchdog";
    case restart_mode::always: return "always";
    }
    return {};
}

std::string_view to_text(kill_mode mode)
{
    switch (mode) {
    case kill_mode::control_group: return "control-group";
    case kill_mode::mixed: return "mixed";
    case kill_mode::process: return "process";
    case kill_mode::none: return "none";
    }
    return {};
}

} // namespace procctl
