#include "daemon/core/command_environment.h"

#include "common/signal_name.h"

namespace procctl {
namespace {

void add_end(environment& to, const std::string& prefix, const process_end& end)
{
    switch (end.code) {
    case exit_code_kind::never_ran: return;
    case exit_code_kind::exited:
        to.emplace_back(prefix + "EXIT_CODE", "exited");
        to.emplace_back(prefix + "EXIT_STATUS", std::to_string(end.status));
        return;
    case exit_code_kind::killed: to.emplace_back(prefix + "EXIT_CODE", "killed"); break;
    case exit_code_kind::dumped: to.emplace_back(prefix + "EXIT_CODE", "dumped"); break;
    }
    to.emplace_back(prefix + "EXIT_STATUS", signal_name(end.status).substr(3));
}

void add_monitored(environment& to, const monitored_end& end)
{
    to.emplace_back("MONITOR_SERVICE_RESULT", to_text(end.result));
    add_end(to, "MONITOR_", end.exec_main);
    to.emplace_back("MONITOR_INVOCATION_ID", end.invocation.text());
    to.emplace_back("MONITOR_UNIT", end.unit);
}

} // namespace

environment command_environment(const program_config& program, const instance_status& status,
                                exec_command which)
{
    environment variables;
    if (status.main_pid > 0) variables.emplace_back("MAINPID", std::to_string(status.main_pid));
    switch (which) {
    case exec_command::start:
        if (program.watchdog != duration::zero() && program.watchdog != infinity)
            variables.emplace_back("WATCHDOG_USEC", std::to_string(program.watchdog.count()));
        [[fallthrough]];
    case exec_command::start_pre:
        if (status.monitored) add_monitored(variables, *status.monitored);
        break;
    case exec_command::stop:
    case exec_command::stop_post:
        variables.emplace_back("SERVICE_RESULT", to_text(status.result));
        add_end(variables, "", status.exec_main);
        break;
    case exec_command::condition:
    case exec_command::start_post:
    case exec_command::reload: break;
    }
    return variables;
}

bool may_notify(const program_config& program, exec_command which)
{
    switch (effective_notify_access(program)) {
    case notify_access::none: return false;
    case notify_access::main: return which == exec_command::start;
    case notify_access::exec:
    case notify_access::all: return true;
    }
    return false;
}

} // namespace procctl
