// Programs at random, for the property tests of the core: every type and every key that the core acts on,
// with values that are likely to get in each other's way.
#pragma once

#include "daemon/core/program_keys.h"
#include "tests/support/dice.h"

#include <stdexcept>
#include <string>
#include <vector>

#include <signal.h>

namespace procctl::test {

inline std::vector<command> random_commands(dice& random, unsigned percent)
{
    std::vector<command> all;
    while (random.chance(percent) && all.size() < 3)
        all.push_back({{"/bin/" + std::to_string(random.below(100))}, random.chance(20)});
    return all;
}

inline std::vector<path_condition> random_conditions(dice& random)
{
    if (!random.chance(15)) return {};
    return {{"/run/x", random.chance(30), random.chance(30)}};
}

// How long a program may take for something. Without limits nothing but its end leads on.
inline duration random_limit(dice& random, bool has_limits)
{
    using namespace std::chrono_literals;
    return has_limits ? random.pick<duration>({1s, 5s, 90s}) : random.pick<duration>({1s, 90s, infinity});
}

// What belongs to its end, and to what follows from it.
inline void random_end(dice& random, program_config& p)
{
    using namespace std::chrono_literals;
    using enum emergency_action;
    p.restart =
        p.type == service_type::oneshot
            ? random.pick({restart_mode::no, restart_mode::on_failure, restart_mode::on_abnormal})
            : random.pick({restart_mode::no, restart_mode::always, restart_mode::always,
                           restart_mode::on_success, restart_mode::on_failure, restart_mode::on_abnormal,
                           restart_mode::on_abort, restart_mode::on_watchdog});
    p.restart_sec = random.pick<duration>({0s, 100ms, 5s, infinity});
    p.start_limit_burst = random.pick({0U, 1U, 3U, 5U});
    p.start_limit_interval = random.pick<duration>({0s, 2s, 10s, infinity});
    if (random.chance(30)) {
        p.restart_steps = static_cast<unsigned>(random.below(4));
        p.restart_max_delay = random.pick<duration>({1s, 1min, infinity});
        p.restart_reset = random.pick<duration>({0s, 3s, infinity});
    }
    if (random.chance(20)) p.success_exit_status.add_code(3);
    if (random.chance(20)) p.restart_force_exit_status.add_code(1);
    if (random.chance(20)) p.restart_prevent_exit_status.add_code(2);
    p.remain_after_exit = random.chance(20);
    p.success_action = random.chance(10) ? exit : none;
    p.failure_action = random.chance(10) ? exit : none;
    p.start_limit_action = random.chance(10) ? exit : none;
}

inline void random_stop(dice& random, program_config& p, bool is_killable)
{
    p.timeout_stop = random_limit(random, is_killable);
    if (random.chance(30)) p.timeout_abort = random_limit(random, is_killable);
    using enum timeout_failure_mode;
    p.timeout_start_failure = random.pick({terminate, abort, kill});
    p.timeout_stop_failure = random.pick({terminate, abort, kill});
    p.kill = random.pick({kill_mode::control_group, kill_mode::control_group, kill_mode::mixed,
                          kill_mode::process, kill_mode::none});
    p.send_sigkill = is_killable || random.chance(50);
    p.send_sighup = random.chance(20);
    p.kill_signal = random.pick({SIGTERM, SIGINT, SIGKILL, SIGCONT});
    p.final_kill_signal = is_killable ? SIGKILL : random.pick({SIGKILL, SIGQUIT});
    if (random.chance(20)) p.restart_kill_signal = SIGUSR1;
}

// `others` are the programs that on_failure and on_success may name. One that is killable is down some time
// after a stop, if its processes obey SIGKILL.
inline program_config random_program(dice& random, const std::string& name,
                                     const std::vector<std::string>& others, bool is_killable)
{
    using namespace std::chrono_literals;
    program_config p;
    p.name = name;
    p.type = random.pick({service_type::simple, service_type::exec, service_type::forking,
                          service_type::oneshot, service_type::notify, service_type::notify_reload});
    const bool is_oneshot = p.type == service_type::oneshot;
    p.instances = random.chance(70) ? 0 : 1 + static_cast<unsigned>(random.below(3));
    p.autostart = random.chance(80);
    p.exec_condition = random_commands(random, 20);
    p.exec_start_pre = random_commands(random, 30);
    p.exec_start_post = random_commands(random, 30);
    p.exec_reload = random_commands(random, 50);
    p.exec_stop = random_commands(random, 30);
    p.exec_stop_post = random_commands(random, 40);
    p.exec_start = {{{"/bin/" + name}, random.chance(10)}};
    if (!is_oneshot && random.chance(20)) p.exit = exit_type::cgroup;
    if (p.type == service_type::forking && random.chance(60)) p.pid_file = "/run/x.pid";
    p.guess_main_pid = random.chance(60);
    p.condition_path_exists = random_conditions(random);
    p.assert_path_exists = random_conditions(random);
    p.timeout_start = random_limit(random, false);
    p.runtime_max = random.pick<duration>({2s, infinity, infinity});
    p.runtime_randomized_extra = random.pick<duration>({0s, 1s});
    p.notify =
        random.pick({notify_access::none, notify_access::main, notify_access::exec, notify_access::all});
    p.watchdog = random.pick<duration>({0s, 0s, 1s, infinity});
    if (random.chance(20)) p.file_descriptor_store_max = 2;
    random_end(random, p);
    random_stop(random, p, is_killable);
    if (is_oneshot) {
        while (p.exec_start.size() < 3 && random.chance(50))
            p.exec_start.push_back({{"/bin/next"}, random.chance(20)});
        if (random.chance(10)) {
            p.exec_start.clear();
            p.exec_stop = {{{"/bin/stop"}}};
            p.remain_after_exit = true;
        }
    }
    for (std::vector<std::string>* const names : {&p.on_failure, &p.on_success})
        if (random.chance(30) && !others.empty()) names->push_back(others[random.below(others.size())]);

    // As the loader would read it: with what it adjusts, and no contradictions.
    diagnostics problems;
    program_config read = parse_program(name, format_program(p), "", problems);
    for (const diagnostic& d : problems)
        if (d.level == severity::error) throw std::logic_error("no valid program: " + d.message);
    return read;
}

} // namespace procctl::test
