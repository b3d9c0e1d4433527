// A supervisor, and as much of a shell as starts every process at once.
#pragma once

#include "daemon/core/supervisor.h"
#include "tests/support/catch.h"
#include "tests/support/instance_under_test.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace procctl::test {

inline loaded_program program(const std::string& name, unsigned instances = 0)
{
    loaded_program p;
    p.config.name = name;
    p.config.exec_start = {{{"/bin/" + name}}};
    p.config.instances = instances;
    p.where = {"conf.d/" + name + ".yaml", 1, 1};
    return p;
}

using names = std::vector<std::string>;

struct fleet {
    supervisor programs{42};
    instant now{time_point{} + std::chrono::hours(1), wall_time{} + std::chrono::hours(24)};
    std::map<job_id, job_outcome> outcomes;
    std::vector<std::string> log;    // "web: start_process exec_start", "web: removed"
    std::vector<instance_order> all; // orders, as they came
    int last_pid = 99;

    void obey(const orders& given)
    {
        std::vector<std::pair<instance_id, start_process>> starts;
        for (const order& o : given) {
            if (const auto* mine = std::get_if<instance_order>(&o)) {
                const instance* i = programs.find(mine->who);
                log.push_back((i == nullptr ? "?" : i->name) + ": " + describe(mine->what));
                all.push_back(*mine);
                if (const auto* made = std::get_if<start_process>(&mine->what);
                    made != nullptr && i != nullptr)
                    starts.emplace_back(mine->who, *made);
            } else if (const auto* finished = std::get_if<job_finished>(&o)) {
                CHECK(outcomes.emplace(finished->job, finished->outcome).second);
            } else if (const auto* added = std::get_if<instance_added>(&o)) {
                log.push_back(programs.find(added->who)->name + ": added");
            } else if (const auto* removed = std::get_if<instance_removed>(&o)) {
                CHECK(programs.find(removed->who) == nullptr);
                log.push_back(removed->name + ": removed");
            }
        }
        for (const auto& [who, made] : starts)
            obey(programs.on(who, process_started{made.serial, ++last_pid, {}}, now));
    }

    void apply(std::vector<loaded_program> next) { obey(programs.apply(std::move(next), now)); }

    job_id request(const std::string& name, job_kind kind)
    {
        orders out;
        const job_id job = programs.request(programs.find(name)->id, kind, now, out);
        obey(out);
        return job;
    }

    void tell(const std::string& name, const event& e) { obey(programs.on(programs.find(name)->id, e, now)); }

    // The main process does.
    void ends(const std::string& name, process_end end, bool has_others = false)
    {
        tell(name, process_exited{programs.find(name)->status.main_serial, end, has_others});
    }

    void wait(duration d)
    {
        now.monotonic += d;
        now.wall += d;
        obey(programs.on_time(now));
    }

    [[nodiscard]] const instance_status& status(const std::string& name) const
    {
        return programs.find(name)->status;
    }
    [[nodiscard]] sub_state state(const std::string& name) const { return status(name).state; }

    [[nodiscard]] names matching(std::string_view pattern) const
    {
        names found;
        for (const instance_id id : programs.match(pattern))
            found.push_back(programs.find(id)->name);
        return found;
    }

    [[nodiscard]] bool logged(const std::string& line) const
    {
        return std::ranges::find(log, line) != log.end();
    }
};

} // namespace procctl::test
