// The events and actions of the machine in words, for the golden dump, the log and the tests.
#include "common/signal_name.h"
#include "daemon/core/instance_machine.h"

namespace procctl {
namespace {

std::string_view to_text(signal_scope scope)
{
    switch (scope) {
    case signal_scope::main: return "main";
    case signal_scope::control: return "control";
    case signal_scope::main_and_control: return "main_and_control";
    case signal_scope::all: return "all";
    }
    return {};
}

std::string text_of(const process_end& end)
{
    switch (end.code) {
    case exit_code_kind::never_ran: return "unknown";
    case exit_code_kind::exited: return std::to_string(end.status);
    case exit_code_kind::killed: return signal_name(end.status);
    case exit_code_kind::dumped: return signal_name(end.status) + " dumped";
    }
    return {};
}

std::string text_of(const notify_message& m)
{
    std::string text;
    const auto add = [&text](std::string_view word) { text.append(" ").append(word); };
    if (m.is_barrier) add("BARRIER");
    if (m.has_reloading && m.state != notify_state::reloading) add("RELOADING");
    switch (m.state) {
    case notify_state::unknown: break;
    case notify_state::ready: add("READY"); break;
    case notify_state::reloading: add("RELOADING"); break;
    case notify_state::stopping: add("STOPPING"); break;
    }
    if (m.watchdog == watchdog_request::ping) add("WATCHDOG");
    if (m.watchdog == watchdog_request::trigger) add("WATCHDOG=trigger");
    if (m.main_pid) add("MAINPID=" + std::to_string(*m.main_pid));
    if (m.watchdog_usec) add("WATCHDOG_USEC");
    if (m.extend_timeout_usec) add("EXTEND_TIMEOUT_USEC");
    if (m.status) add("STATUS");
    if (m.errno_value) add("ERRNO");
    if (m.exit_status) add("EXIT_STATUS");
    if (m.stores_descriptors) add("FDSTORE");
    if (m.removes_descriptors) add("FDSTOREREMOVE");
    return text;
}

struct in_words {
    std::string operator()(const start_requested&) const { return "start_requested"; }
    std::string operator()(const stop_requested&) const { return "stop_requested"; }
    std::string operator()(const restart_requested&) const { return "restart_requested"; }
    std::string operator()(const reload_requested&) const { return "reload_requested"; }
    std::string operator()(const reset_failed_requested&) const { return "reset_failed_requested"; }
    std::string operator()(const hurry_requested&) const { return "hurry_requested"; }
    std::string operator()(const process_started& e) const
    {
        if (e.failure == spawn_failure{}) return "process_started";
        return "process_started with failure " + std::to_string(e.failure.exit_status);
    }
    std::string operator()(const process_not_started&) const { return "process_not_started"; }
    std::string operator()(const process_exited& e) const
    {
        return "process_exited " + text_of(e.end) + (e.has_others ? " with others" : "");
    }
    std::string operator()(const processes_gone&) const { return "processes_gone"; }
    std::string operator()(const conditions_checked& e) const
    {
        return std::string("conditions_checked ") + (!e.condition_met ? "condition failed"
                                                     : !e.assert_met  ? "assert failed"
                                                                      : "met");
    }
    std::string operator()(const main_found&) const { return "main_found"; }
    std::string operator()(const main_not_found&) const { return "main_not_found"; }
    std::string operator()(const main_moved&) const { return "main_moved"; }
    std::string operator()(const notified& e) const { return "notified" + text_of(e.message); }
    std::string operator()(const notification_ignored&) const { return "notification_ignored"; }
    std::string operator()(const output_ended&) const { return "output_ended"; }
    std::string operator()(const time_passed&) const { return "time_passed"; }

    std::string operator()(const check_conditions&) const { return "check_conditions"; }
    std::string operator()(const start_process& a) const
    {
        const std::string text = "start_process " + std::string(procctl::to_text(a.command));
        return a.index == 0 ? text : text + ' ' + std::to_string(a.index);
    }
    std::string operator()(const find_main& a) const { return a.waits ? "find_main and wait" : "find_main"; }
    std::string operator()(const watch_main&) const { return "watch_main"; }
    std::string operator()(const send_signal& a) const
    {
        return "send_signal " + signal_name(a.signal) + ' ' + std::string(to_text(a.scope));
    }
    std::string operator()(const end_process&) const { return "end_process"; }
    std::string operator()(const store_descriptors& a) const { return "store_descriptors " + a.name; }
    std::string operator()(const remove_descriptors& a) const { return "remove_descriptors " + a.name; }
    std::string operator()(const announce_state& a) const
    {
        return "announce_state " + std::string(procctl::to_text(a.to));
    }
    std::string operator()(const trigger_others& a) const
    {
        return a.has_failed ? "trigger_others on_failure" : "trigger_others on_success";
    }
    std::string operator()(const exit_daemon& a) const
    {
        return "exit_daemon " + std::to_string(a.exit_status);
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
    case job_kind::try_restart: return "try-restart";
    case job_kind::reload: return "reload";
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
    case job_outcome::assert_failed: return "assert-failed";
    case job_outcome::invalid: return "invalid";
    case job_outcome::unsupported: return "unsupported";
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
