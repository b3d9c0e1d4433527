// Random events, requests and configuration changes over many programs. The seeds are fixed.
#include "daemon/core/snapshot.h"
#include "daemon/core/supervisor.h"
#include "tests/support/catch.h"

#include <map>
#include <random>
#include <set>

#include <signal.h>

using namespace procctl;
using namespace std::chrono_literals;

namespace {

class world {
public:
    explicit world(unsigned seed) : random_(seed) {}

    void run(int turns)
    {
        for (int i = 0; i < turns; ++i) {
            if (chance(20)) now_ += duration(random_() % 3'000'000);
            if (chance(4))
                change_configuration();
            else if (chance(2))
                hand_over();
            else if (chance(30))
                ask();
            else if (chance(60))
                report_fact();
            else
                pass_time();
            check();
        }
    }

    void end()
    {
        obey(programs_->shut_down(now()));
        for (int i = 0; i < 300 && !programs_->is_all_down(); ++i) {
            report_fact();
            pass_time();
            if (i == 100) obey(programs_->hurry(now()));
            check();
        }
        CHECK(programs_->is_all_down());
        CHECK(programs_->next_deadline() == never);
        CHECK(waiting_.empty());
    }

private:
    [[nodiscard]] bool chance(unsigned percent) { return random_() % 100 < percent; }
    [[nodiscard]] unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    [[nodiscard]] instant now() const { return {time_point{} + now_, wall_time{} + now_}; }

    loaded_program random_program(const std::string& name)
    {
        loaded_program p;
        p.config.name = name;
        p.config.exec_start = {{{"/bin/" + name, std::to_string(below(2))}}};
        p.config.instances = chance(50) ? 0 : 1 + below(4);
        p.config.autostart = chance(80);
        p.config.start_limit_burst = chance(50) ? 0 : 5;
        p.config.timeout_stop = 1s;
        if (chance(20)) p.config.restart = restart_mode::on_failure;
        if (chance(20)) p.config.kill = kill_mode::process;
        p.where.line = static_cast<int>(below(100));
        return p;
    }

    void change_configuration()
    {
        // Most programs stay as they are.
        std::vector<loaded_program> next;
        for (const std::string name : {"a", "b", "c", "d", "e"}) {
            if (chance(15))
                configuration_.erase(name);
            else if (chance(20))
                configuration_[name] = random_program(name);
            if (const auto found = configuration_.find(name); found != configuration_.end())
                next.push_back(found->second);
        }
        const configuration_change change = programs_->plan(next);
        const auto before = statuses();
        const orders given = programs_->apply(next, now());

        std::set<instance_id> touched;
        std::set<std::string> planned;
        for (const auto* list :
             {&change.start, &change.add, &change.restart, &change.replace, &change.stop, &change.remove})
            for (const std::string& name : *list)
                REQUIRE(planned.insert(name).second);
        for (const auto& [name, status] : before)
            if (!planned.contains(name)) REQUIRE(programs_->find(name)->status == status);
        obey(given);
        REQUIRE(programs_->plan(next).empty());

        std::set<std::string> wanted;
        for (const loaded_program& p : next)
            for (unsigned n = 1; n <= instance_count(p.config); ++n)
                wanted.insert(instance_name_of(p.config, n));
        std::set<std::string> present;
        for (const instance_id id : programs_->all())
            if (!programs_->find(id)->removed) present.insert(programs_->find(id)->name);
        REQUIRE(present == wanted);
    }

    std::map<std::string, instance_status> statuses()
    {
        std::map<std::string, instance_status> all;
        for (const instance_id id : programs_->all())
            all.emplace(programs_->find(id)->name, programs_->find(id)->status);
        return all;
    }

    // The next daemon goes on with the text that this one leaves.
    void hand_over()
    {
        if (!waiting_.empty()) return; // those who wait are not carried over
        const auto read = read_snapshot(write_snapshot(programs_->snapshot()));
        REQUIRE(read);
        const auto before = statuses();
        const time_point deadline = programs_->next_deadline();
        const bool all_down = programs_->is_all_down();
        programs_ = std::make_unique<supervisor>(*read);
        REQUIRE(statuses() == before);
        REQUIRE(programs_->next_deadline() == deadline);
        REQUIRE(programs_->is_all_down() == all_down);
    }

    instance_id random_instance()
    {
        const auto all = programs_->all();
        return all.empty() ? 1000 : all[below(static_cast<unsigned>(all.size()))];
    }

    void ask()
    {
        const instance_id who = random_instance();
        if (chance(10)) return obey(programs_->reset_failed(who, now()));
        if (chance(5)) return obey(programs_->kill(who, SIGTERM, signal_scope::group));
        orders out;
        const job_kind kind = chance(40) ? job_kind::start : chance(50) ? job_kind::stop : job_kind::restart;
        const job_id job = programs_->request(who, kind, now(), out);
        REQUIRE(waiting_.insert(job).second);
        obey(out);
    }

    void report_fact()
    {
        const instance_id who = random_instance();
        const instance* i = programs_->find(who);
        if (i == nullptr) return;
        const instance_status& s = i->status;
        if (s.main_pid != 0) {
            obey(programs_->on(
                who, main_exited{s.main_serial, {exit_code_kind::exited, chance(50) ? 1 : 0}, chance(20)},
                now()));
        } else if (s.has_leftovers) {
            obey(programs_->on(who, leftovers_gone{s.main_serial}, now()));
        }
    }

    void pass_time()
    {
        const time_point next = programs_->next_deadline();
        if (next != never && chance(80)) now_ = std::max(now_, next - time_point{});
        obey(programs_->on_time(now()));
    }

    void obey(const orders& given)
    {
        std::vector<std::pair<instance_id, std::uint64_t>> starts;
        for (const order& o : given) {
            if (const auto* finished = std::get_if<job_finished>(&o))
                REQUIRE(waiting_.erase(finished->job) == 1);
            if (const auto* removed = std::get_if<instance_removed>(&o))
                REQUIRE(programs_->find(removed->who) == nullptr);
            const auto* mine = std::get_if<instance_order>(&o);
            if (mine == nullptr || !std::holds_alternative<start_main>(mine->what)) continue;
            REQUIRE_FALSE(programs_->is_shutting_down());
            starts.emplace_back(mine->who, programs_->find(mine->who)->status.main_serial);
        }
        for (const auto& [who, serial] : starts) {
            if (chance(5))
                obey(programs_->on(who, main_not_started{serial}, now()));
            else
                obey(programs_->on(who, main_started{serial, 100, {}}, now()));
        }
    }

    void check()
    {
        time_point earliest = never;
        bool all_down = true;
        std::set<std::string> names;
        for (const instance_id id : programs_->all()) {
            const instance& i = *programs_->find(id);
            REQUIRE(names.insert(i.name).second);
            REQUIRE(programs_->find(i.name) == &i);
            earliest = std::min(earliest, next_deadline(i.status));
            all_down = all_down && is_down(i.status);
            if (is_down(i.status)) REQUIRE_FALSE((i.removed || i.next_program));
        }
        REQUIRE(programs_->next_deadline() == earliest);
        REQUIRE(programs_->is_all_down() == all_down);
        REQUIRE(programs_->size() == names.size());
    }

    std::mt19937 random_;
    std::unique_ptr<supervisor> programs_ = std::make_unique<supervisor>(7);
    std::map<std::string, loaded_program> configuration_;
    std::set<job_id> waiting_;
    duration now_ = 1h;
};

} // namespace

TEST_CASE("the supervisor holds its promises whatever happens", "[supervisor][property]")
{
    for (unsigned seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        world w(seed);
        w.run(300);
        w.end();
    }
}
