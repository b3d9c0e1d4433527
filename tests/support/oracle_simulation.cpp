#include "tests/support/oracle_simulation.h"

#include "daemon/core/command_line.h"
#include "daemon/core/program_keys.h"
#include "tests/support/oracle.h"

#include <algorithm>
#include <map>
#include <stdexcept>

namespace procctl::oracle {

std::optional<program_config> translate_unit(const std::string& unit, std::string& errors)
{
    // Several assignments of one directive add up: commands to a list, all others to one list of words.
    std::map<std::string, std::vector<std::string>> values{{"restart", {"no"}}}; // systemd's default
    std::set<std::string> assigned;
    for (const directive& d : parse_unit(unit)) {
        const auto keys = program_keys();
        const auto key = std::ranges::find(keys, d.name, &program_key::directive);
        if (key == keys.end()) return std::nullopt;
        const std::string name(key->name);
        // The first assignment replaces the default, and an empty one all that came before it.
        if (assigned.insert(name).second || d.value.empty()) values[name].clear();
        if (!d.value.empty()) values[name].push_back(d.value);
    }
    config_value map;
    map.type = config_value::kind::map;
    for (const auto& [name, texts] : values) {
        config_value value = config_value::scalar(texts.empty() ? std::string() : texts.front());
        if (name == "exec_start" && texts.size() > 1) {
            value = config_value::list({}); // a list of commands, each a list of words
            for (const std::string& text : texts)
                value.items.push_back(config_value::list(split_words(text).value()));
        } else if (texts.size() > 1) {
            std::string words;
            for (const std::string& text : texts)
                words += text + ' ';
            value = config_value::scalar(words);
        }
        map.entries.emplace_back(config_value::scalar(name), std::move(value));
    }
    diagnostics found;
    program_config program = parse_program("oracle", map, "unit", found);
    errors.clear();
    for (const diagnostic& d : found)
        if (d.level == severity::error) errors += d.message + '\n';
    return program;
}

simulation::simulation(program_config config) : config_(std::move(config))
{
    config_.autostart = false;
    obey(supervisor_.apply({{config_, {}}}, now()));
    id_ = supervisor_.all().at(0);
}

const instance_status& simulation::status() const { return supervisor_.find(id_)->status; }

instant simulation::now() const
{
    return {time_point{} + std::chrono::hours(1) + now_, wall_time{} + std::chrono::hours(24) + now_};
}

void simulation::run_until(duration t)
{
    for (int steps = 0;; ++steps) {
        if (steps > 100'000) throw std::runtime_error("the simulation does not come to rest");
        duration next = t;
        for (const process& p : processes_)
            if (p.is_alive) next = std::min(next, p.ends_at);
        bool is_deadline = false;
        if (const time_point deadline = supervisor_.next_deadline(); deadline != never) {
            const duration at = std::max(now_, deadline - time_point{} - std::chrono::hours(1));
            is_deadline = at < next;
            next = std::min(next, at);
        }
        now_ = next;
        if (next >= t) return;
        if (is_deadline)
            obey(supervisor_.on_time(now()));
        else
            end_processes();
    }
}

std::size_t simulation::request(job_kind kind)
{
    orders out;
    const job_id job = supervisor_.request(id_, kind, now(), out);
    if (outcomes.size() + 1 != job) throw std::logic_error("jobs are not counted from 1");
    outcomes.emplace_back();
    obey(out);
    return outcomes.size() - 1;
}

void simulation::reset_failed() { obey(supervisor_.reset_failed(id_, now())); }

void simulation::kill(int signal, signal_scope scope)
{
    for (const order& o : supervisor_.kill(id_, signal, scope)) {
        const auto& ordered = std::get<send_signal>(std::get<instance_order>(o).what);
        deliver(ordered.signal, ordered.scope);
    }
}

void simulation::kill_main_from_outside(int signal) { deliver(signal, signal_scope::main, false); }

std::set<std::size_t> simulation::alive() const
{
    std::set<std::size_t> indices;
    for (std::size_t i = 0; i < processes_.size(); ++i)
        if (processes_[i].is_alive) indices.insert(i);
    return indices;
}

void simulation::obey(const orders& given)
{
    std::optional<start_main> start;
    for (const order& o : given) {
        if (const auto* finished = std::get_if<job_finished>(&o)) {
            auto& outcome = outcomes.at(finished->job - 1);
            if (outcome) throw std::logic_error("a job is finished twice");
            outcome = finished->outcome;
        }
        const auto* mine = std::get_if<instance_order>(&o);
        if (mine == nullptr) continue;
        if (const auto* sends = std::get_if<send_signal>(&mine->what)) deliver(sends->signal, sends->scope);
        if (const auto* announces = std::get_if<announce_state>(&mine->what))
            states.push_back({now_, announces->to});
        if (const auto* starts_main = std::get_if<start_main>(&mine->what)) start = *starts_main;
    }
    if (start) make_process(start->command_index);
}

void simulation::make_process(unsigned command_index)
{
    serial_ = status().main_serial;
    processes_.clear();
    has_leftovers_ = false;
    const simulated_command command = simulate_command(config_, config_.exec_start.at(command_index));
    if (command.cannot_start) {
        obey(supervisor_.on(id_, main_not_started{serial_}, now()));
        return;
    }
    if (command_index == 0) starts.push_back(now_);
    const int failure = command.failed_preparation;
    if (failure == 216 || failure == 217) { // known before a process is made
        obey(supervisor_.on(id_, main_exited{serial_, {exit_code_kind::exited, failure}, false}, now()));
        return;
    }
    const auto add = [&](const process_behaviour& behaviour) {
        process& p = processes_.emplace_back(process{.behaviour = behaviour});
        if (!behaviour.by_itself) return;
        p.ends_at = now_ + behaviour.by_itself->after;
        p.end = behaviour.by_itself->end;
    };
    add(command.main);
    for (const process_behaviour& other : command.others)
        add(other);
    if (failure != 0) {
        processes_[0].ends_at = now_;
        processes_[0].end = {exit_code_kind::exited, failure};
    }
    obey(supervisor_.on(id_, main_started{serial_, 1000, {failure, 0}}, now()));
}

void simulation::deliver(int signal, signal_scope scope, bool is_recorded)
{
    for (std::size_t i = 0; i < processes_.size(); ++i) {
        process& p = processes_[i];
        const bool is_meant = scope == signal_scope::group || (scope == signal_scope::main) == (i == 0);
        if (!p.is_alive || !is_meant) continue;
        if (is_recorded) sent.push_back({now_, i, signal});
        if (const auto ending = reaction(p.behaviour, signal); ending && now_ + ending->after < p.ends_at) {
            p.ends_at = now_ + ending->after;
            p.end = ending->end;
        }
    }
}

void simulation::end_processes()
{
    if (processes_.empty()) return;
    const bool main_was_alive = processes_[0].is_alive;
    for (process& p : processes_)
        if (p.ends_at <= now_) p.is_alive = false;
    const bool others_live =
        std::any_of(processes_.begin() + 1, processes_.end(), [](const process& p) { return p.is_alive; });
    if (main_was_alive && !processes_[0].is_alive) {
        has_leftovers_ = others_live;
        obey(supervisor_.on(id_, main_exited{serial_, processes_[0].end, others_live}, now()));
    } else if (has_leftovers_ && !others_live) {
        has_leftovers_ = false;
        obey(supervisor_.on(id_, leftovers_gone{serial_}, now()));
    }
}

std::string start_job_word(const std::optional<job_outcome>& outcome)
{
    if (!outcome) return "no answer";
    switch (*outcome) {
    case job_outcome::done: return "ok";
    case job_outcome::canceled: return "canceled";
    case job_outcome::failed:
    case job_outcome::start_limit_hit:
    case job_outcome::timeout: return "failed";
    }
    return {};
}

} // namespace procctl::oracle
