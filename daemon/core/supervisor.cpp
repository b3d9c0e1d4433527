#include "daemon/core/supervisor.h"

#include "common/instance_name.h"
#include "daemon/core/deadline_queue.h"
#include "daemon/core/natural_order.h"
#include "daemon/core/snapshot.h"

#include <algorithm>
#include <cassert>
#include <deque>
#include <map>

namespace procctl {
namespace {

struct waiting_job {
    job_id job;
    job_kind kind;
};

// Of an instance, what nobody outside needs to see.
struct slot : instance {
    std::vector<waiting_job> jobs; // requests that have not been answered yet
};

// A start that follows from the end of another instance.
struct triggered_start {
    instance_id whom;
    monitored_end why;
};

event as_event(job_kind kind)
{
    switch (kind) {
    case job_kind::start: return start_requested{};
    case job_kind::stop: return stop_requested{};
    case job_kind::restart:
    case job_kind::try_restart: return restart_requested{};
    case job_kind::reload: return reload_requested{};
    }
    return stop_requested{};
}

// Whether the instances of a program run alike under both: how many there are does not concern each of them.
bool runs_alike(const program_config& a, const program_config& b)
{
    if (a.instances == b.instances) return a == b;
    program_config adjusted = a;
    adjusted.instances = b.instances;
    return adjusted == b;
}

// What an instance is under the whole new configuration.
struct wanted_instance {
    std::shared_ptr<const loaded_program> program;
    unsigned number = 0;
};
using wanted_instances = std::map<std::string, wanted_instance, natural_less>;

wanted_instances list_instances(const std::vector<std::shared_ptr<const loaded_program>>& programs)
{
    wanted_instances wanted;
    for (const auto& program : programs)
        for (unsigned n = 1; n <= instance_count(program->config); ++n)
            wanted.emplace(instance_name_of(program->config, n),
                           wanted_instance{program, program->config.instances == 0 ? 0 : n});
    return wanted;
}

// The configuration that counts from the next start on.
const loaded_program& latest_program(const instance& i)
{
    return i.next_program ? *i.next_program : *i.program;
}

// Down, or on its way there by somebody's wish: a new configuration is no reason to start it.
bool stays_down(const instance_status& s)
{
    if (is_down(s)) return true;
    return active_state_of(s.state) == active_state::deactivating && s.stop_requested &&
           s.pending == pending_job::none;
}

configuration_change compare(const std::map<std::string, slot*, natural_less>& present,
                             const wanted_instances& wanted)
{
    configuration_change change;
    for (const auto& [name, want] : wanted) {
        const auto found = present.find(name);
        if (found == present.end() || found->second->removed) {
            (want.program->config.autostart ? change.start : change.add).push_back(name);
        } else if (const slot& s = *found->second;
                   !runs_alike(latest_program(s).config, want.program->config)) {
            (stays_down(s.status) ? change.replace : change.restart).push_back(name);
        }
    }
    for (const auto& [name, s] : present)
        if (!s->removed && !wanted.contains(name))
            (is_down(s->status) ? change.remove : change.stop).push_back(name);
    return change;
}

} // namespace

bool configuration_change::empty() const
{
    return start.empty() && add.empty() && restart.empty() && replace.empty() && stop.empty() &&
           remove.empty();
}

struct supervisor::impl {
    explicit impl(std::uint64_t run_id) : run(run_id) {}

    slot* find(instance_id id) { return id < by_id.size() ? by_id[id].get() : nullptr; }

    slot& add(const std::string& name, const wanted_instance& want, orders& out)
    {
        auto s = std::make_unique<slot>();
        s->id = static_cast<instance_id>(by_id.size());
        s->name = name;
        s->number = want.number;
        s->program = want.program;
        slot& added = *s;
        by_name.emplace(name, &added);
        by_id.push_back(std::move(s));
        out.emplace_back(instance_added{added.id});
        return added;
    }

    void remove(slot& s, orders& out)
    {
        assert(is_down(s.status) && s.jobs.empty());
        deadlines.set(s.id, never);
        out.emplace_back(instance_removed{s.id, s.name});
        by_name.erase(s.name);
        by_id[s.id].reset(); // s is gone
    }

    // One event for one instance, and all that follows from it, in others too.
    void step(slot& s, const event& e, const instant& now, orders& out)
    {
        step_alone(s, e, now, out);
        while (!triggered.empty()) {
            const triggered_start next = std::move(triggered.front());
            triggered.pop_front();
            if (slot* other = find(next.whom); other != nullptr && !is_shutting_down && !other->removed)
                step_alone(*other, start_requested{next.why}, now, out);
        }
    }

    void step_alone(slot& s, const event& e, const instant& now, orders& out)
    {
        const bool was_down = is_down(s.status);
        const invocation_id fresh{run, last_serial + 1};
        actions.clear();
        procctl::step(s.program->config, latest_program(s).config, s.status, e, now, fresh, actions);

        if (s.status.invocation == fresh) {
            last_serial = fresh.serial;
            if (s.next_program) s.program = std::move(s.next_program);
        }
        const bool down = is_down(s.status);
        if (down && s.next_program) s.program = std::move(s.next_program);
        if (was_down != down) up = down ? up - 1 : up + 1;
        deadlines.set(s.id, procctl::next_deadline(s.status));

        if (out.empty()) out.reserve(actions.size() + 1);
        for (const action& a : actions) {
            out.emplace_back(instance_order{s.id, a});
            if (const auto* finished = std::get_if<finish_job>(&a)) finish(s, *finished, out);
            if (const auto* trigger = std::get_if<trigger_others>(&a)) queue(s, *trigger);
        }
        if (s.removed && down) remove(s, out);
    }

    void queue(const slot& s, const trigger_others& trigger)
    {
        monitored_end why = trigger.end;
        why.unit = s.name;
        for (const std::string& name : trigger.names)
            for (const instance_id whom : by_exact_name(name))
                triggered.push_back({whom, why});
    }

    // The instance of this name, or all instances of the program of this name.
    [[nodiscard]] std::vector<instance_id> by_exact_name(std::string_view name) const
    {
        std::vector<instance_id> matching;
        if (const auto found = by_name.find(name); found != by_name.end())
            matching.push_back(found->second->id);
        // The instances of a program stand together in this order.
        const std::string prefix = std::string(name) + '@';
        for (auto it = by_name.lower_bound(prefix); it != by_name.end() && it->first.starts_with(prefix);
             ++it)
            matching.push_back(it->second->id);
        return matching;
    }

    void finish(slot& s, const finish_job& finished, orders& out)
    {
        std::erase_if(s.jobs, [&](const waiting_job& waiting) {
            if (waiting.kind != finished.kind) return false;
            out.emplace_back(job_finished{waiting.job, s.id, finished.outcome});
            return true;
        });
    }

    std::uint64_t run;
    std::uint64_t last_serial = 0;
    job_id last_job = 0;
    bool is_shutting_down = false;
    std::size_t up = 0; // instances that are not down

    std::vector<std::unique_ptr<slot>> by_id; // null where the instance was removed
    std::map<std::string, slot*, natural_less> by_name;
    deadline_queue deadlines;
    std::deque<triggered_start> triggered;
    std::vector<action> actions;  // of the step under way; kept for its memory
    std::vector<instance_id> due; // likewise
};

supervisor::supervisor(std::uint64_t run) : impl_(std::make_unique<impl>(run)) {}
supervisor::~supervisor() = default;

supervisor::supervisor(supervisor_snapshot from) : supervisor(from.run)
{
    impl_->last_serial = from.last_serial;
    impl_->is_shutting_down = from.is_shutting_down;
    std::ranges::sort(from.instances, natural_less{}, &instance_snapshot::name);
    // The instances of a program stand together, and most run the same configuration: they share it.
    std::shared_ptr<const loaded_program> latest;
    const auto shared = [&](loaded_program&& program) {
        if (!latest || latest->config != program.config || latest->where != program.where)
            latest = std::make_shared<const loaded_program>(std::move(program));
        return latest;
    };
    orders nobody_listens;
    for (instance_snapshot& i : from.instances) {
        slot& s = impl_->add(i.name, {shared(std::move(i.program)), i.number}, nobody_listens);
        s.status = i.status;
        s.removed = i.removed;
        if (i.next_program) s.next_program = shared(std::move(*i.next_program));
        if (!is_down(s.status)) ++impl_->up;
        impl_->deadlines.set(s.id, procctl::next_deadline(s.status));
    }
}

supervisor_snapshot supervisor::snapshot() const
{
    supervisor_snapshot all{impl_->run, impl_->last_serial, impl_->is_shutting_down, {}};
    all.instances.reserve(size());
    for (const auto& [name, s] : impl_->by_name) {
        instance_snapshot& i = all.instances.emplace_back(
            instance_snapshot{name, s->number, *s->program, s->status, std::nullopt, s->removed});
        if (s->next_program) i.next_program = *s->next_program;
    }
    return all;
}

configuration_change supervisor::plan(std::span<const loaded_program> next) const
{
    std::vector<std::shared_ptr<const loaded_program>> programs;
    for (const loaded_program& p : next)
        programs.emplace_back(std::shared_ptr<void>(), &p); // borrowed for this call
    return compare(impl_->by_name, list_instances(programs));
}

orders supervisor::apply(std::vector<loaded_program> next, const instant& now)
{
    orders out;
    if (impl_->is_shutting_down) return out;
    std::vector<std::shared_ptr<const loaded_program>> programs;
    for (loaded_program& p : next)
        programs.push_back(std::make_shared<const loaded_program>(std::move(p)));
    const wanted_instances wanted = list_instances(programs);
    const configuration_change change = compare(impl_->by_name, wanted);

    const auto present = [&](const std::string& name) -> slot& { return *impl_->by_name.find(name)->second; };
    for (const std::string& name : change.remove)
        impl_->remove(present(name), out);
    for (const std::string& name : change.stop)
        present(name).removed = true;
    for (const auto& [name, want] : wanted) {
        const auto found = impl_->by_name.find(name);
        if (found == impl_->by_name.end()) {
            impl_->add(name, want, out);
            continue;
        }
        slot& s = *found->second;
        s.removed = false; // it may have been on its way out
        const bool is_same = !s.next_program && runs_alike(s.program->config, want.program->config);
        if (is_same || is_down(s.status))
            s.program = want.program;
        else
            s.next_program = want.program;
    }
    // What one of them sets off in another finds that one as it is to be.
    for (const std::string& name : change.stop)
        if (const auto found = impl_->by_name.find(name); found != impl_->by_name.end())
            impl_->step(*found->second, stop_requested{}, now, out);
    for (const std::string& name : change.restart)
        impl_->step(present(name), restart_requested{}, now, out);
    for (const std::string& name : change.start)
        impl_->step(present(name), start_requested{}, now, out);
    return out;
}

job_id supervisor::request(instance_id id, job_kind kind, const instant& now, orders& out)
{
    const job_id job = ++impl_->last_job;
    slot* s = impl_->find(id);
    if (s == nullptr || (kind != job_kind::stop && (impl_->is_shutting_down || s->removed))) {
        out.emplace_back(job_finished{job, id, job_outcome::canceled});
        return job;
    }
    if (kind == job_kind::try_restart) {
        const active_state state = active_state_of(s->status.state);
        if (is_down(s->status) || state == active_state::deactivating) {
            out.emplace_back(job_finished{job, id, job_outcome::done});
            return job;
        }
        kind = job_kind::restart;
    }
    s->jobs.push_back({job, kind});
    impl_->step(*s, as_event(kind), now, out);
    return job;
}

orders supervisor::reset_failed(instance_id id, const instant& now)
{
    return on(id, reset_failed_requested{}, now);
}

orders supervisor::kill(instance_id id, int signal, signal_scope scope)
{
    orders out;
    const slot* s = impl_->find(id);
    if (s == nullptr) return out;
    const instance_status& status = s->status;
    const bool has_main = status.main_pid != 0;
    const bool has_control = status.control_pid != 0;
    bool has_anybody = false;
    switch (scope) {
    case signal_scope::main: has_anybody = has_main; break;
    case signal_scope::control: has_anybody = has_control; break;
    case signal_scope::main_and_control: has_anybody = has_main || has_control; break;
    case signal_scope::all: has_anybody = has_main || has_control || status.has_others; break;
    }
    if (has_anybody) out.emplace_back(instance_order{id, send_signal{signal, scope}});
    return out;
}

orders supervisor::shut_down(const instant& now)
{
    orders out;
    if (std::exchange(impl_->is_shutting_down, true)) return out;
    for (const instance_id id : all())
        impl_->step(*impl_->find(id), stop_requested{}, now, out);
    return out;
}

orders supervisor::hurry(const instant& now)
{
    orders out;
    for (const instance_id id : all())
        impl_->step(*impl_->find(id), hurry_requested{}, now, out);
    return out;
}

bool supervisor::is_shutting_down() const { return impl_->is_shutting_down; }
bool supervisor::is_all_down() const { return impl_->up == 0; }

orders supervisor::on(instance_id id, const event& e, const instant& now)
{
    orders out;
    if (slot* s = impl_->find(id)) impl_->step(*s, e, now, out);
    return out;
}

orders supervisor::on_time(const instant& now)
{
    orders out;
    // What becomes due by these steps themselves is left for the next call, so that this one ends.
    impl_->due.clear();
    for (instance_id id = 0; impl_->deadlines.take_due(now.monotonic, id);)
        impl_->due.push_back(id);
    // In an order that does not depend on what happened before, so that a restored supervisor does the same.
    std::ranges::sort(impl_->due, [&](instance_id a, instance_id b) {
        const slot& x = *impl_->find(a);
        const slot& y = *impl_->find(b);
        const time_point when_x = procctl::next_deadline(x.status);
        const time_point when_y = procctl::next_deadline(y.status);
        return when_x != when_y ? when_x < when_y : natural_less{}(x.name, y.name);
    });
    for (const instance_id id : impl_->due)
        if (slot* s = impl_->find(id)) impl_->step(*s, time_passed{}, now, out);
    return out;
}

time_point supervisor::next_deadline() const { return impl_->deadlines.next(); }

const instance* supervisor::find(instance_id id) const { return impl_->find(id); }

const instance* supervisor::find(std::string_view name) const
{
    const auto found = impl_->by_name.find(name);
    return found == impl_->by_name.end() ? nullptr : found->second;
}

std::vector<instance_id> supervisor::match(std::string_view pattern) const
{
    const auto& names = impl_->by_name;
    std::vector<instance_id> matching;
    if (pattern == "all") return all();
    if (pattern.starts_with('@')) {
        const std::string_view tag = pattern.substr(1);
        for (const auto& [name, s] : names)
            if (const auto& tags = latest_program(*s).config.tags; std::ranges::find(tags, tag) != tags.end())
                matching.push_back(s->id);
        return matching;
    }
    if (is_glob(pattern)) {
        for (const auto& [name, s] : names)
            if (glob_matches(pattern, name) || glob_matches(pattern, s->program->config.name))
                matching.push_back(s->id);
        return matching;
    }
    return impl_->by_exact_name(pattern);
}

std::vector<instance_id> supervisor::all() const
{
    std::vector<instance_id> ids;
    ids.reserve(impl_->by_name.size());
    for (const auto& [name, s] : impl_->by_name)
        ids.push_back(s->id);
    return ids;
}

std::size_t supervisor::size() const { return impl_->by_name.size(); }

} // namespace procctl
