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

std::string_view to_text(service_type type)
{
    switch (type) {
    case service_type::simple: return "simple";
    case service_type::exec: return "exec";
    case service_type::oneshot: return "oneshot";
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
