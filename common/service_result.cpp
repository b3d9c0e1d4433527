#include "common/service_result.h"

#include <algorithm>
#include <array>

#include <signal.h>

namespace procctl {
namespace {

struct named_result {
    service_result result;
    std::string_view name;
};

constexpr auto names = std::to_array<named_result>({
    {service_result::success, "success"},
    {service_result::protocol, "protocol"},
    {service_result::resources, "resources"},
    {service_result::timeout, "timeout"},
    {service_result::exit_code, "exit-code"},
    {service_result::signal, "signal"},
    {service_result::core_dump, "core-dump"},
    {service_result::watchdog, "watchdog"},
    {service_result::exec_condition, "exec-condition"},
    {service_result::start_limit_hit, "start-limit-hit"},
});

bool is_clean(int signal, clean_signals clean)
{
    if (clean == clean_signals::command) return false;
    return signal == SIGHUP || signal == SIGINT || signal == SIGTERM || signal == SIGPIPE;
}

} // namespace

std::string_view to_text(service_result result)
{
    const auto* const found = std::ranges::find(names, result, &named_result::result);
    return found == names.end() ? std::string_view{} : found->name;
}

std::optional<service_result> parse_service_result(std::string_view text)
{
    const auto* const found = std::ranges::find(names, text, &named_result::name);
    if (found == names.end()) return std::nullopt;
    return found->result;
}

service_result result_of(const process_end& end, clean_signals clean, const exit_status_set& success_status)
{
    switch (end.code) {
    case exit_code_kind::never_ran: return service_result::success;
    case exit_code_kind::exited:
        if (end.status == 0 || success_status.contains_code(end.status)) return service_result::success;
        return service_result::exit_code;
    case exit_code_kind::killed:
        if (is_clean(end.status, clean) || success_status.contains_signal(end.status))
            return service_result::success;
        return service_result::signal;
    case exit_code_kind::dumped: return service_result::core_dump; // whatever success_status says
    }
    return service_result::success;
}

} // namespace procctl
