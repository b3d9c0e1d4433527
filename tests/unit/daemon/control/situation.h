// An instance called web as the state machine might have left it, for tests of what is said about it.
#pragma once

#include "daemon/control/explanation.h"

#include <chrono>
#include <memory>
#include <string>

namespace procctl::test {

using namespace std::chrono_literals;

inline program_config web()
{
    program_config config;
    config.name = "web";
    config.exec_start.emplace_back().argv = {"/opt/web"};
    return config;
}

struct situation {
    program_config config = web();
    instance_status status;
    std::string note;
    bool is_removed = false;
    bool has_new_configuration = false;
    instant now{time_point{100s}, wall_time{1000s}};

    [[nodiscard]] std::string text() const { return explain(who(), note, now); }
    [[nodiscard]] std::string job_text(job_kind kind, job_outcome outcome) const
    {
        return explain_job(who(), kind, outcome, note, now);
    }
    [[nodiscard]] instance who() const
    {
        instance who;
        who.name = config.name;
        who.program = std::make_shared<const loaded_program>(loaded_program{config, {}});
        who.status = status;
        who.removed = is_removed;
        if (has_new_configuration) who.next_program = who.program;
        return who;
    }
    situation& ended(sub_state state, service_result result, process_end how, restart_reason why)
    {
        status.state = state;
        status.result = result;
        status.exec_main = how;
        status.last_decision = why;
        return *this;
    }
};

constexpr process_end exit_of(int code) { return {exit_code_kind::exited, code}; }
constexpr process_end kill_by(int signal) { return {exit_code_kind::killed, signal}; }

} // namespace procctl::test
