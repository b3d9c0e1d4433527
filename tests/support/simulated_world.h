// A supervisor and the world around it: programs, those who ask, a configuration that changes, a clock. What
// happens next is chosen at random.
//
// What the supervisor may never do is checked here, for all instances together; `must` throws. The checks for
// one instance stand in simulated_instance.h, those on the snapshot in twin_supervisor.h.
#pragma once

#include "daemon/core/supervisor.h"
#include "tests/support/random_program.h"
#include "tests/support/simulated_instance.h"
#include "tests/support/twin_supervisor.h"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace procctl::test {

// What the world remembers of one instance beside its processes.
struct tracked_instance {
    tracked_instance(dice& random, int& next_pid, unsigned failures) : world(random, next_pid, failures) {}

    simulated_instance world;
    instance_status before; // as the last call left it
    std::shared_ptr<const loaded_program> program;
    bool may_start = true; // nobody has asked for a stop since the last request to start
    start_limit_window window;
    std::deque<std::string> trace;
};

class simulated_world {
public:
    simulated_world(std::uint64_t seed, bool is_traced)
        : random_(seed), is_traced_(is_traced), has_limits_(random_.chance(50)),
          has_circles_(random_.chance(20)), failures_(random_.pick({5U, 20U, 60U})),
          haste_(random_.pick({2U, 15U}))
    {
    }

    void run(int turns)
    {
        change_configuration();
        for (int i = 0; i < turns; ++i) {
            if (random_.chance(1)) change_configuration();
            if (core_.has_twin() ? random_.chance(3) : random_.chance(1)) exchange_twin();
            if (random_.chance(haste_)) pass_time();
            turn();
            if (random_.chance(1) && random_.chance(30)) calm_down();
        }
        calm_down();
        shut_down();
    }

    // The trace of the instance that the last call was about.
    [[nodiscard]] std::string trace() const
    {
        std::string text;
        for (const auto& [name, t] : instances_) {
            if (name != culprit_) continue;
            text += "program: " + to_json(format_program(t->program->config)) + "\n";
            for (const std::string& line : t->trace)
                text += line + '\n';
        }
        return text;
    }
    [[nodiscard]] const std::string& culprit() const { return culprit_; }
    [[nodiscard]] std::uint64_t steps() const { return steps_; }
    [[nodiscard]] const std::map<sub_state, std::uint64_t>& visited() const { return visited_; }

private:
    [[nodiscard]] instant now() const { return {time_point{} + now_, wall_time{} + now_}; }

    // --- The world goes on

    void turn()
    {
        tracked_instance* const t = random_instance();
        if (t == nullptr) return;
        const std::string& name = culprit_;
        const std::size_t what = random_.below(100);
        if (what < 10) return ask(name);
        if (what < 20)
            return tell(name, t->world.exit(t->program->config, t->before, !random_.chance(10 + failures_)));
        if (what < 23) return t->world.fork();
        if (what < 40) return tell(name, t->world.notify(t->before, now()));
        if (what < 45) return tell(name, t->world.emptiness());
        if (what < 46) return tell(name, notification_ignored{});
        if (what < 49) return tell_output(name, t->before);
        // A command ends sooner than a program.
        if (!t->world.has_to_answer() && t->before.control_pid != 0)
            return tell(name, t->world.exit(t->program->config, t->before, false));
        tell(name, t->world.answer());
    }

    void ask(const std::string& name)
    {
        const std::size_t what = random_.below(100);
        if (what < 6) return obey(core_.reset_failed(name, now()), name, reset_failed_requested{});
        if (what < 9) {
            const orders given =
                core_.kill(name, random_.pick({SIGTERM, SIGKILL}),
                           random_.pick({signal_scope::main, signal_scope::control, signal_scope::all}));
            for (const order& o : given)
                instances_.at(name)->world.deliver(std::get<send_signal>(std::get<instance_order>(o).what));
            return;
        }
        if (what < 10) return hurry();
        request(name, random_.pick({job_kind::start, job_kind::start, job_kind::stop, job_kind::restart,
                                    job_kind::try_restart, job_kind::reload, job_kind::reload}));
    }

    void request(const std::string& name, job_kind kind)
    {
        tracked_instance& t = *instances_.at(name);
        const bool is_dead_end = core_.core().is_shutting_down() || core_.core().find(name)->removed;
        if (kind == job_kind::stop) t.may_start = false;
        const bool restarts_nothing =
            kind == job_kind::try_restart &&
            (is_down(t.before) || active_state_of(t.before.state) == active_state::deactivating);
        if ((kind == job_kind::start || kind == job_kind::restart || kind == job_kind::try_restart) &&
            !is_dead_end && !restarts_nothing)
            t.may_start = true;
        auto [job, given] = core_.request(name, kind, now());
        must(waiting_.emplace(job, name).second, "every request has a job of its own");
        note(name, [&] { return "asked to " + std::string(to_text(kind)); });
        obey(given, name, std::nullopt);
    }

    void hurry()
    {
        for (auto& [name, t] : instances_) {
            t->may_start = false;
            note(name, [] { return std::string("hurry"); });
        }
        obey(core_.hurry(now()), {}, std::nullopt);
    }

    void tell(const std::string& name, const std::optional<event>& fact)
    {
        if (fact) obey(core_.on(name, *fact, now()), name, fact);
    }

    // Of the last run, or of one that is not over yet: the core is told in time, too late, or never.
    void tell_output(const std::string& name, const instance_status& s)
    {
        const bool is_over = random_.chance(70);
        const std::string tail = random_.pick<std::string>({"", "bye\n", std::string("\0\xff\xc3\xa9", 4)});
        tell(name, output_ended{is_over ? s.last_run.invocation : s.invocation, tail});
        if (is_over && s.last_run.invocation.serial != 0 && core_.core().find(name) != nullptr)
            must(core_.core().find(name)->status.last_run.output == tail, "the last words of a run are kept");
    }

    void pass_time()
    {
        const time_point next = core_.core().next_deadline();
        if (next != never && random_.chance(50))
            now_ = std::max(now_, next - time_point{});
        else
            now_ += duration(random_.below(2'000'000));
        let_time_pass();
    }
    void let_time_pass() { obey(core_.on_time(now()), {}, time_passed{}); }

    void exchange_twin()
    {
        culprit_ = "snapshot";
        if (core_.has_twin())
            core_.part();
        else
            core_.make_twin();
    }

    // Everything is answered and every process ends, until everybody who asked has been answered.
    void calm_down()
    {
        for (int round = 0; round < 400 && !waiting_.empty(); ++round) {
            for (const std::string& name : names()) {
                if (const auto t = instances_.find(name); t != instances_.end())
                    tell(name, t->second->world.answer());
                if (const auto t = instances_.find(name); t != instances_.end())
                    tell(name, t->second->world.exit(t->second->program->config, t->second->before, false));
                if (const auto t = instances_.find(name); t != instances_.end())
                    tell(name, t->second->world.emptiness());
            }
            go_to_next_deadline();
        }
        if (!waiting_.empty()) culprit_ = waiting_.begin()->second;
        // Programs that start each other when they fail may never come to rest.
        must(waiting_.empty() || has_circles_, "every request is answered");
    }

    // Nothing ends any more but by SIGKILL.
    void shut_down()
    {
        for (auto& [name, t] : instances_)
            t->may_start = false;
        obey(core_.shut_down(now()), {}, std::nullopt);
        for (int round = 0; round < 1000 && !core_.core().is_all_down(); ++round) {
            for (const std::string& name : names()) {
                if (const auto t = instances_.find(name); t != instances_.end())
                    tell(name, t->second->world.answer());
                while (const auto fact = dying(name))
                    tell(name, fact);
                if (const auto t = instances_.find(name); t != instances_.end())
                    tell(name, t->second->world.emptiness());
            }
            go_to_next_deadline();
            if (!has_limits_ && round % 100 == 99) hurry();
        }
        for (const auto& [name, t] : instances_)
            if (!is_down(t->before)) culprit_ = name;
        must(core_.core().is_all_down(), "a shut down comes to its end");
        must(core_.core().next_deadline() == never, "nothing is waited for in the end");
        must(waiting_.empty(), "every request is answered in the end");
    }

    std::optional<event> dying(const std::string& name)
    {
        const auto t = instances_.find(name);
        if (t == instances_.end()) return std::nullopt;
        return t->second->world.exit(t->second->program->config, t->second->before, true);
    }

    void go_to_next_deadline()
    {
        if (const time_point next = core_.core().next_deadline(); next != never)
            now_ = std::max(now_, next - time_point{});
        let_time_pass();
    }

    // Whom it may name in on_failure and on_success.
    [[nodiscard]] std::vector<std::string> others_of(const std::string& name) const
    {
        std::vector<std::string> others{"nobody"};
        for (const std::string other : {"a", "b", "c", "d", "e"})
            if (has_circles_ || other > name) others.push_back(other);
        return others;
    }

    void change_configuration()
    {
        std::vector<loaded_program> next; // most programs stay as they are
        for (const std::string name : {"a", "b", "c", "d", "e"}) {
            if (random_.chance(10))
                configuration_.erase(name);
            else if (random_.chance(30) || configuration_.empty())
                configuration_[name] = {random_program(random_, name, others_of(name), has_limits_),
                                        {"f", 1, 1}};
            if (const auto found = configuration_.find(name); found != configuration_.end())
                next.push_back(found->second);
        }
        const configuration_change change = core_.core().plan(next);
        std::set<std::string> planned;
        for (const auto* list :
             {&change.start, &change.add, &change.restart, &change.replace, &change.stop, &change.remove})
            for (const std::string& name : *list)
                must(planned.insert(name).second, "an instance is changed in one way");
        for (const auto* list : {&change.start, &change.restart})
            for (const std::string& name : *list)
                starting_.insert(name);
        for (const std::string& name : change.stop)
            instances_.at(name)->may_start = false;
        for (const auto& [name, t] : instances_)
            if (starting_.contains(name)) t->may_start = true;
        for (const std::string& name : planned)
            note(name, [] { return std::string("configuration changed"); });
        obey(core_.apply(next, now()), {}, std::nullopt);
        starting_.clear();
        must(core_.core().plan(next).empty(), "what has been applied leaves nothing to do");

        std::set<std::string> wanted, present;
        for (const loaded_program& p : next)
            for (unsigned n = 1; n <= instance_count(p.config); ++n)
                wanted.insert(instance_name_of(p.config, n));
        for (const instance_id id : core_.core().all())
            if (!core_.core().find(id)->removed) present.insert(core_.core().find(id)->name);
        must(present == wanted, "all that is wanted is there, and nothing else");
    }

    // --- What the core answers

    void obey(const orders& given, const std::string& whom, const std::optional<event>& fact)
    {
        ++steps_;
        touched_.clear();
        if (!whom.empty()) {
            touched_.insert(whom);
            if (fact) note(whom, [&] { return "told " + describe(*fact); });
        }
        for (const order& o : given) {
            if (const auto* mine = std::get_if<instance_order>(&o)) {
                culprit_ = core_.name_of(mine->who);
                touched_.insert(culprit_);
                obey(*mine);
            } else if (const auto* finished = std::get_if<job_finished>(&o)) {
                must(waiting_.erase(finished->job) == 1, "a request is answered once");
            } else if (const auto* added = std::get_if<instance_added>(&o)) {
                add(core_.name_of(added->who));
            } else if (const auto* removed = std::get_if<instance_removed>(&o)) {
                for (const auto& [job, name] : waiting_)
                    must(name != removed->name, "nobody waits for an instance that is forgotten");
                instances_.erase(removed->name);
                touched_.erase(removed->name);
            }
        }
        const bool has_time_passed = fact && std::holds_alternative<time_passed>(*fact);
        // Time, a hurry and a new configuration may change what then orders nothing.
        if (whom.empty())
            for (const auto& [name, t] : instances_)
                if (core_.core().find(name)->status != t->before) touched_.insert(name);
        for (const std::string& name : touched_)
            settle(name, has_time_passed);
        check_all();
        if (!whom.empty()) culprit_ = whom;
    }

    void add(const std::string& name)
    {
        // One of that name may have been there until now.
        instances_[name] = std::make_unique<tracked_instance>(random_, next_pid_, failures_);
        tracked_instance& t = *instances_[name];
        t.program = core_.core().find(name)->program;
        t.may_start = starting_.contains(name);
    }

    void obey(const instance_order& o)
    {
        const std::string& name = core_.name_of(o.who);
        const auto found = instances_.find(name);
        if (found == instances_.end()) return;
        tracked_instance& t = *found->second;
        note(name, [&] { return "  " + describe(o.what); });
        // Where a run begins in this call, it is of the new program; two may begin, the first for no longer
        // than that.
        const instance* const i = core_.core().find(o.who);
        const auto has_command = [&](const program_config& p) {
            const auto* const made = std::get_if<start_process>(&o.what);
            return made == nullptr || made->index < commands_of(p, made->command).size();
        };
        const bool begins = i != nullptr && i->status.invocation != t.before.invocation;
        const program_config& program =
            begins && has_command(i->program->config) ? i->program->config : t.program->config;
        t.world.obey(program, o.what);
        if (t.world.has_begun()) {
            must(t.may_start, "nothing is started after a stop");
            must(!core_.core().is_shutting_down(), "nothing is started while shutting down");
        }
        if (const auto* trigger = std::get_if<trigger_others>(&o.what)) {
            must(!trigger->names.empty(), "others are started where they are named");
            trigger_starts(trigger->names);
        }
    }

    void trigger_starts(const std::vector<std::string>& names)
    {
        if (core_.core().is_shutting_down()) return;
        for (const std::string& whom : names)
            for (auto& [name, t] : instances_)
                if (name == whom || name.starts_with(whom + '@'))
                    if (const instance* i = core_.core().find(name); i != nullptr && !i->removed) {
                        t->may_start = true;
                        touched_.insert(name);
                    }
    }

    void settle(const std::string& name, bool has_time_passed)
    {
        culprit_ = name;
        tracked_instance& t = *instances_.at(name);
        const instance& i = *core_.core().find(name);
        const instance_status& s = i.status;
        note(name, [&] {
            return "  -> " + std::string(to_text(s.state)) + " at " + format_duration(now_) + " main " +
                   std::to_string(s.main_pid) + " control " + std::to_string(s.control_pid) +
                   (s.has_others ? " others" : "") + " result " + std::string(to_text(s.result));
        });
        ++visited_[s.state];
        if (s.invocation != t.before.invocation) count_start(t, i.program->config);
        if (s.start_limit.begin == never) t.window = {};
        t.world.settle(t.program->config, i.program->config, t.before, s, has_time_passed);
        must(s.state != sub_state::failed || s.result != service_result::success, "what has failed says why");
        const active_state active = active_state_of(s.state);
        if (s.state == sub_state::exited)
            must(s.result == service_result::success, "only what has ended well remains");
        if (active != active_state::deactivating)
            must(s.pending == pending_job::none, "only the end of a stop is waited for");
        must(!is_down(s) || (!s.start_job && !s.stop_job && !s.restart_job && !s.reload_job),
             "what is down has answered everybody");
        must(s.n_restarts <= t.before.n_restarts + (has_time_passed ? 1 : 0),
             "only time brings an automatic restart");
        t.before = s;
        t.program = i.program;
    }

    // The same as the core does, but from what is seen of it.
    void count_start(tracked_instance& t, const program_config& program)
    {
        if (program.start_limit_interval == duration::zero() || program.start_limit_burst == 0) return;
        const time_point at = now().monotonic;
        if (t.window.begin == never || at - t.window.begin > program.start_limit_interval) t.window = {at, 0};
        must(++t.window.starts <= program.start_limit_burst, "no more starts than the limit allows");
    }

    // What was not touched is as it was, and the whole fits together.
    void check_all()
    {
        time_point earliest = never;
        bool all_down = true;
        for (const instance_id id : core_.core().all()) {
            const instance& i = *core_.core().find(id);
            earliest = std::min(earliest, next_deadline(i.status));
            all_down = all_down && is_down(i.status);
            if (is_down(i.status)) must(!i.removed && !i.next_program, "what is down is up to date");
            tracked_instance& t = *instances_.at(i.name);
            if (random_.chance(10) && i.status != t.before) {
                culprit_ = i.name;
                must(false, "what an event is not about stays as it is");
            }
            t.program = i.program;
        }
        must(core_.core().next_deadline() == earliest, "the next deadline is the earliest");
        must(core_.core().is_all_down() == all_down, "it is known whether all is down");
        must(core_.core().size() == instances_.size(), "it is known how many there are");
    }

    // --- Names and words

    tracked_instance* random_instance()
    {
        if (instances_.empty()) return nullptr;
        auto i = instances_.begin();
        std::advance(i, static_cast<std::ptrdiff_t>(random_.below(instances_.size())));
        culprit_ = i->first;
        return i->second.get();
    }

    [[nodiscard]] std::vector<std::string> names() const
    {
        std::vector<std::string> all;
        for (const auto& [name, t] : instances_)
            all.push_back(name);
        return all;
    }

    template <class Text> void note(const std::string& name, Text text)
    {
        if (!is_traced_) return;
        const auto found = instances_.find(name);
        if (found == instances_.end()) return;
        found->second->trace.push_back(text());
        if (found->second->trace.size() > 60) found->second->trace.pop_front();
    }

    dice random_;
    bool is_traced_;
    bool has_limits_;   // all programs can be stopped by time alone
    bool has_circles_;  // of programs that start each other
    unsigned failures_; // percent of what may go wrong
    unsigned haste_;    // percent of the turns that let time pass
    twin_supervisor core_{7};
    std::map<std::string, loaded_program> configuration_;
    std::map<std::string, std::unique_ptr<tracked_instance>> instances_;
    std::set<std::string> starting_; // by the change of the configuration under way
    std::map<job_id, std::string> waiting_;
    std::set<std::string> touched_; // by the last call
    std::string culprit_;           // the instance that is being looked at
    duration now_ = std::chrono::hours(1);
    int next_pid_ = 100;
    std::uint64_t steps_ = 0;
    std::map<sub_state, std::uint64_t> visited_; // how often
};

} // namespace procctl::test
