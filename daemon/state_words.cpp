#include "daemon/state_words.h"

#include "common/signal_name.h"

namespace procctl {
namespace {

std::string started(const instance& i)
{
    switch (i.program->config.type) {
    case service_type::simple:
    case service_type::exec: return "started, main process " + std::to_string(i.status.main_pid);
    case service_type::oneshot: return "runs its command, process " + std::to_string(i.status.main_pid);
    }
    return {};
}

// How the run that is over went: "exited with status 1", or why there was none.
std::string ended(const instance& i)
{
    const instance_status& s = i.status;
    if (s.start_limit_refused)
        return "start refused: started " + std::to_string(i.program->config.start_limit_burst) +
               " times in " + format_duration(i.program->config.start_limit_interval) +
               "; it stays down until reset-failed or a later start";
    if (s.last_decision == restart_reason::survivors)
        return "its processes would not end; they are left to themselves and not started again";
    std::string how = s.exec_main.code == exit_code_kind::never_ran ? std::string("ended before it ran")
                                                                    : describe(s.exec_main);
    switch (s.expired) {
    case time_limit::none: return how;
    case time_limit::start: return how + " after timeout_start_sec ran out";
    case time_limit::stop: return how + " after timeout_stop_sec ran out";
    case time_limit::runtime: return how + " after runtime_max_sec ran out";
    }
    return how;
}

} // namespace

state_words describe_change(const instance& i, sub_state from, sub_state to)
{
    const instance_status& s = i.status;
    const program_config& config = i.program->config;
    switch (to) {
    case sub_state::start:
        return config.type == service_type::oneshot ? state_words{false, started(i)} : state_words{};
    case sub_state::running:
        // A process that could not become its program says so by its exit, which follows at once.
        return s.exec_main_failure.exit_status == 0 ? state_words{false, started(i)} : state_words{};
    case sub_state::exited: return {false, describe(s.exec_main) + "; counts as active (remain_after_exit)"};
    case sub_state::stop_sigterm: {
        const std::string stopping = "stopping with " + signal_name(config.kill_signal);
        if (s.main_pid == 0)
            return {false, "main process " + describe(s.exec_main) + "; stopping what it left behind"};
        if (s.result != service_result::timeout) return {false, stopping};
        if (from == sub_state::start)
            return {true, "not started within " + format_duration(config.timeout_start) + "; " + stopping};
        return {true,
                "has run for " + format_duration(config.runtime_max) + " (runtime_max_sec); " + stopping};
    }
    case sub_state::final_sigterm:
        if (s.main_pid != 0) return {};
        return {false, "main process " + describe(s.exec_main) + "; stopping what it left behind"};
    case sub_state::stop_sigkill:
    case sub_state::final_sigkill: {
        const std::string sending = "sending " + signal_name(config.final_kill_signal);
        if (s.result != service_result::timeout) return {true, sending};
        return {true, "still there after " + format_duration(config.timeout_stop) + "; " + sending};
    }
    case sub_state::auto_restart:
        return {false, "restarts in " + format_duration(config.restart_sec) +
                           " (restart: " + std::string(to_text(config.restart)) + ")"};
    case sub_state::dead:
        // The same step may have begun the next run, and with it forgotten how this one went.
        if (s.state == sub_state::start)
            return from == sub_state::auto_restart ? state_words{}
                                                   : state_words{false, "stopped, starts again"};
        if (from == sub_state::auto_restart)
            return s.stop_requested ? state_words{false, "stopped"} : state_words{};
        return {false, s.stop_requested ? "stopped: " + ended(i) : ended(i)};
    case sub_state::failed: return {true, "failed (" + std::string(to_text(s.result)) + "): " + ended(i)};
    }
    return {};
}

} // namespace procctl
