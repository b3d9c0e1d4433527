// The events and actions of the machine in words, for the golden dump, the log and the tests.
#include "common/signal_name.h"
#include "daemon/core/instance_machine.h"

namespace procctl {
namespace {

std::string_view to_text(signal_scope scope)
{
    switch (scope) {
    case signal_scope::main: return "main";
    case signal_scope::group: return "group";
    case signal_scope::others: return "others";
    }
    return {};
}

struct in_words {
    std::string operator()(const start_requested&) const { return "start_requested"; }
    std::string operator()(const stop_requested&) const { return "stop_requested"; }
    std::string operator()(const restart_requested&) const { return "restart_requested"; }
    std::string operator()(const reset_failed_requested&) const { return "reset_failed_requested"; }
    std::string operator()(const hurry_requested&) const { return "hurry_requested"; }
    std::string operator()(const main_started& e) const
    {
        if (e.failure == spawn_failure{}) return "main_started";
        return "main_started with failure " + std::to_string(e.failure.exit_status);
    }
    std::string operator()(const main_not_started&) const { return "main_not_started"; }
    std::string operator()(const main_exited& e) const
    {
        std::string text = "main_exited ";
        switch (e.end.code) {
        case exit_code_kind::never_ran: text += "never ran"; break;
        case exit_code_kind::exited: text += std::to_string(e.end.status); break;
        case exit_code_kind::killed: text += signal_name(e.end.status); break;
        case exit_code_kind::dumped: text += signal_name(e.end.status) + " dumped"; break;
        }
        return e.has_leftovers ? text + " with leftovers" : text;
    }
    std::string operator()(const leftovers_gone&) const { return "leftovers_gone"; }
    std::string operator()(const time_passed&) const { return "time_passed"; }

    std::string operator()(const start_main& a) const
    {
        return a.command_index == 0 ? "start_main" : "start_main " + std::to_string(a.command_index);
    }
    std::string operator()(const send_signal& a) const
    {
        return "send_signal " + signal_name(a.signal) + ' ' + std::string(to_text(a.scope));
    }
    std::string operator()(const announce_state& a) const
    {
        return "announce_state " + std::string(procctl::to_text(a.to));
    }
    std::string operator()(const finish_job& a) const
    {
        return "finish_job " + std::string(procctl::to_text(a.kind)) + ' ' +
               std::string(procctl::to_text(a.outcome));
    }
};

} // namespace

std::string describe(const event& e) { return std::visit(in_words{}, e); }
std::string describe(const action& a) { return std::visit(in_words{}, a); }

std::string_view to_text(job_kind kind)
{
    switch (kind) {
    case job_kind::start: return "start";
    case job_kind::stop: return "stop";
    case job_kind::restart: return "restart";
    }
    return {};
}

std::string_view to_text(job_outcome outcome)
{
    switch (outcome) {
    case job_outcome::done: return "done";
    case job_outcome::failed: return "failed";
    case job_outcome::canceled: return "canceled";
    case job_outcome::start_limit_hit: return "start-limit-hit";
    case job_outcome::timeout: return "timeout";
    }
    return {};
}

std::string invocation_id::text() const
{
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string hex(32, '0');
    for (unsigned i = 0; i < 16; ++i) {
        hex[15 - i] = digits[(run >> (4 * i)) & 0xf];
        hex[31 - i] = digits[(serial >> (4 * i)) & 0xf];
    }
    return hex;
}

} // namespace procctl
