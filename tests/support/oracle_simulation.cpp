#include "tests/support/oracle_simulation.h"

#include "daemon/core/command_environment.h"
#include "tests/support/oracle_command.h"

#include <algorithm>
#include <stdexcept>

namespace procctl::oracle {
namespace {

using namespace std::chrono_literals;

constexpr duration beginning = 1h; // of the simulation, on the monotonic clock

bool is_met(const std::vector<path_condition>& conditions, const std::set<std::string>& files)
{
    bool has_triggers = false;
    bool one_fires = false;
    for (const path_condition& c : conditions) {
        const bool holds = files.contains(c.path) != c.is_negated;
        if (!c.is_trigger && !holds) return false;
        has_triggers = has_triggers || c.is_trigger;
        one_fires = one_fires || (c.is_trigger && holds);
    }
    return !has_triggers || one_fires;
}

} // namespace

simulation::simulation(std::vector<translated_unit> texts)
    : table([this](int group) {
          return active_state_of(status(static_cast<std::size_t>(group)).state) == active_state::active;
      })
{
    for (translated_unit& text : texts) {
        text.program.autostart = false;
        units_.push_back({.text = std::move(text)});
    }
    table.files.insert("/etc/passwd");
    reload_configuration();
    for (supervised& u : units_)
        u.id = supervisor_.find(u.text.program.name)->id;
}

const instance_status& simulation::status(std::size_t unit) const
{
    return supervisor_.find(units_.at(unit).id)->status;
}

const program_config& simulation::program(std::size_t unit) const
{
    return supervisor_.find(units_.at(unit).id)->program->config;
}

instant simulation::clocks() const
{
    return {time_point{} + beginning + now_, wall_time{} + std::chrono::hours(24) + now_};
}

std::size_t simulation::unit_of(instance_id id) const
{
    return static_cast<std::size_t>(std::ranges::find(units_, id, &supervised::id) - units_.begin());
}

void simulation::run_until(duration t)
{
    for (int steps = 0; now_ < t; ++steps) {
        if (steps > 100'000) throw std::runtime_error("the simulation does not come to rest");
        run_once(t);
    }
}

void simulation::run_until_answered(std::size_t index)
{
    const duration end = now_ + 100s;
    while (!answers.at(index).outcome && now_ < end)
        run_once(end);
}

// What comes next, or nothing until then.
void simulation::run_once(duration until)
{
    const duration wake = std::max(now_, table.next_wake());
    duration due = infinity;
    if (const time_point deadline = supervisor_.next_deadline(); deadline != never)
        due = std::max(now_, deadline - time_point{} - beginning);
    now_ = std::min({until, wake, due});
    if (now_ >= until) return;
    if (due < wake) {
        obey(supervisor_.on_time(clocks()));
    } else {
        for (const happening& h : table.run(now_))
            hear(h);
        try_pid_files();
    }
    drain();
}

std::size_t simulation::request(job_kind kind, std::size_t unit)
{
    orders out;
    answers.emplace_back();
    const std::size_t index = answers.size() - 1;
    const job_id job = supervisor_.request(units_.at(unit).id, kind, clocks(), out);
    jobs_[job] = index;
    obey(out);
    drain();
    return index;
}

void simulation::reset_failed(std::size_t unit)
{
    obey(supervisor_.reset_failed(units_.at(unit).id, clocks()));
    drain();
}

bool simulation::kill(int signal, signal_scope scope, std::size_t unit)
{
    bool reached = false;
    for (const order& o : supervisor_.kill(units_.at(unit).id, signal, scope)) {
        const auto& ordered = std::get<send_signal>(std::get<instance_order>(o).what);
        reached = deliver(unit, ordered.signal, ordered.scope) || reached;
    }
    return reached;
}

void simulation::kill_main_from_outside(int signal, std::size_t unit)
{
    table.signal(status(unit).main_pid, signal);
}

void simulation::send_from_outside(const std::string& message, std::size_t unit)
{
    hear_message({process_table::stranger, message}, unit);
    drain();
}

void simulation::set_restart(restart_mode mode, std::size_t unit)
{
    units_.at(unit).text.program.restart = mode;
}

void simulation::reload_configuration()
{
    std::vector<loaded_program> programs;
    for (const supervised& u : units_)
        programs.push_back({u.text.program, {}});
    obey(supervisor_.apply(std::move(programs), clocks()));
    drain();
}

void simulation::obey(const orders& given)
{
    for (const order& o : given) {
        if (const auto* finished = std::get_if<job_finished>(&o)) {
            const auto job = jobs_.find(finished->job);
            if (job == jobs_.end()) continue; // nobody of the outside asked for it
            job_answer& answer = answers[job->second];
            if (answer.outcome) throw std::logic_error("a job is finished twice");
            answer = {finished->outcome, status(unit_of(finished->who)).result, now_};
        } else if (const auto* mine = std::get_if<instance_order>(&o)) {
            if (const std::size_t unit = unit_of(mine->who); unit < units_.size())
                carry_out(unit, mine->what);
        }
    }
}

void simulation::carry_out(std::size_t unit, const action& what)
{
    const program_config& config = program(unit);
    if (const auto* check = std::get_if<check_conditions>(&what))
        tell(unit, conditions_checked{check->serial, is_met(config.condition_path_exists, table.files),
                                      is_met(config.assert_path_exists, table.files)});
    else if (const auto* start = std::get_if<start_process>(&what))
        make_process(unit, *start);
    else if (const auto* find = std::get_if<find_main>(&what))
        look_for_main(unit, *find);
    else if (const auto* watch = std::get_if<watch_main>(&what))
        units_[unit].pids[watch->serial] = watch->process.pid;
    else if (const auto* sends = std::get_if<send_signal>(&what))
        deliver(unit, sends->signal, sends->scope);
    else if (const auto* announces = std::get_if<announce_state>(&what))
        units_[unit].past.states.push_back({now_, announces->to});
}

void simulation::tell(std::size_t unit, event fact) { facts_.emplace_back(unit, std::move(fact)); }

void simulation::drain()
{
    for (int facts = 0; !facts_.empty(); ++facts) {
        if (facts > 10'000) throw std::runtime_error("the supervisor does not come to rest");
        const auto [unit, fact] = std::move(facts_.front());
        facts_.pop_front();
        obey(supervisor_.on(units_[unit].id, fact, clocks()));
    }
}

void simulation::make_process(std::size_t unit, const start_process& start)
{
    supervised& u = units_[unit];
    const program_config& config = program(unit);
    const bool begins = start.command == exec_command::condition ||
                        start.command == exec_command::start_pre || start.command == exec_command::start;
    const simulated_command simulated =
        simulate_command(config, u.text.others, commands_of(config, start.command).at(start.index));
    if (simulated.cannot_start) return tell(unit, process_not_started{start.serial});
    if (begins && std::exchange(u.last_run, status(unit).invocation.serial) != status(unit).invocation.serial)
        ++u.past.starts;
    const int failure = simulated.failed_preparation;
    if (failure == 216 || failure == 217) // known before a process is made
        return tell(unit,
                    process_exited{start.serial, {exit_code_kind::exited, failure}, has_others(unit, 0)});

    variables environment;
    for (const auto& [name, value] : command_environment(config, status(unit), start.command))
        environment[name] = value;
    if (failure == 0) u.past.commands.push_back({start.command, start.index, environment});
    if (may_notify(config, start.command)) environment["NOTIFY_SOCKET"] = "<set>";
    const int pid = table.make(static_cast<int>(unit), simulated.what, environment, now_);
    u.pids[start.serial] = pid;
    tell(unit, process_started{start.serial, pid, {failure, 0}});
}

found_process simulation::describe_process(std::size_t unit, int pid) const
{
    return {pid, table.group_of(pid) == static_cast<int>(unit), table.is_child_of_daemon(pid), {}};
}

void simulation::look_for_main(std::size_t unit, const find_main& find)
{
    const program_config& config = program(unit);
    if (!config.pid_file.empty()) {
        const auto named = table.pid_files.find(config.pid_file);
        if (named != table.pid_files.end() && table.is_alive(named->second))
            tell(unit, main_found{find.serial, describe_process(unit, named->second)});
        else if (find.waits)
            units_[unit].waits_for_pid_file = find.serial;
        else
            tell(unit, main_not_found{find.serial});
        return;
    }
    std::vector<int> children;
    for (const int pid : table.living(static_cast<int>(unit)))
        if (table.is_child_of_daemon(pid)) children.push_back(pid);
    if (children.size() == 1)
        tell(unit, main_found{find.serial, describe_process(unit, children.front())});
    else
        tell(unit, main_not_found{find.serial});
}

// Whoever waits for a PID file looks again whenever something has happened.
void simulation::try_pid_files()
{
    for (std::size_t i = 0; i < units_.size(); ++i) {
        const std::uint64_t serial = std::exchange(units_[i].waits_for_pid_file, 0);
        if (serial != 0 && serial == status(i).sought_serial) look_for_main(i, {serial, true});
    }
}

// A process whose end the supervisor has not heard of is signalled too, as a zombie is.
bool simulation::deliver(std::size_t unit, int signal, signal_scope scope)
{
    const instance_status& s = status(unit);
    std::vector<int> pids;
    const auto add = [&](int pid) {
        if (pid != 0 && std::ranges::find(pids, pid) == pids.end()) pids.push_back(pid);
    };
    if (scope != signal_scope::control) add(s.main_pid);
    if (scope != signal_scope::main) add(s.control_pid);
    if (scope == signal_scope::all)
        for (const int pid : table.living(static_cast<int>(unit)))
            add(pid);
    for (const int pid : pids) {
        const std::string& label = table.label_of(pid);
        units_[unit].past.sent.push_back(
            {now_, label.empty() && pid == s.main_pid ? "main-sleep" : label, signal});
        table.signal(pid, signal);
    }
    return !pids.empty();
}

bool simulation::has_others(std::size_t unit, int pid) const
{
    return std::ranges::any_of(table.living(static_cast<int>(unit)), [&](int other) { return other != pid; });
}

void simulation::hear(const happening& h)
{
    if (const auto* sent = std::get_if<message_sent>(&h)) {
        hear_message(*sent, static_cast<std::size_t>(table.group_of(sent->pid)));
        drain();
        return;
    }
    const auto& ended = std::get<process_ended>(h);
    const int group = table.group_of(ended.pid);
    for (std::size_t i = 0; i < units_.size(); ++i) {
        supervised& u = units_[i];
        const auto known = std::ranges::find(u.pids, ended.pid, [](const auto& item) { return item.second; });
        if (known != u.pids.end()) {
            // Of what is no child of ours nobody can tell how it ended.
            const process_end end = table.is_child_of_daemon(ended.pid) ? ended.end : process_end{};
            tell(i, process_exited{known->first, end, has_others(i, ended.pid)});
            u.pids.erase(known);
        }
        drain();
        if (group == static_cast<int>(i) && table.living(group).empty() && status(i).has_others)
            tell(i, processes_gone{});
        drain();
    }
}

void simulation::hear_message(const message_sent& sent, std::size_t unit)
{
    const auto message = parse_notify_message(sent.text);
    if (!message) return tell(unit, notification_ignored{});
    notified fact;
    fact.pid = sent.pid;
    fact.is_privileged = true; // they all run as root
    fact.message = *message;
    fact.is_member = table.group_of(sent.pid) == static_cast<int>(unit);
    if (message->main_pid && table.is_alive(*message->main_pid))
        fact.new_main = describe_process(unit, *message->main_pid);
    tell(unit, std::move(fact));
}

std::string systemctl_words(const job_answer& answer)
{
    if (!answer.outcome) return "no answer";
    switch (*answer.outcome) {
    case job_outcome::done: return "ok";
    case job_outcome::canceled: return "canceled";
    case job_outcome::assert_failed: return "failed: assertion";
    case job_outcome::invalid: return "rc=1 UNIT is not active, cannot reload.";
    case job_outcome::unsupported: return "rc=1 UNIT cannot be reloaded";
    case job_outcome::failed:
    case job_outcome::start_limit_hit:
    case job_outcome::timeout: break;
    }
    switch (answer.result) {
    case service_result::success: return "failed";
    case service_result::protocol:
        return "failed: the service did not take the steps required by its unit configuration";
    case service_result::resources: return "failed: unavailable resources or another system error";
    case service_result::timeout: return "failed: a timeout was exceeded";
    case service_result::exit_code: return "failed: the control process exited with error code";
    case service_result::signal: return "failed: a fatal signal was delivered to the control process";
    case service_result::core_dump:
        return "failed: a fatal signal was delivered causing the control process to dump core";
    case service_result::watchdog: return "failed: the service failed to send watchdog ping";
    case service_result::exec_condition: return "failed: exec-condition";
    case service_result::start_limit_hit: return "failed: start of the service was attempted too often";
    }
    return {};
}

} // namespace procctl::oracle
