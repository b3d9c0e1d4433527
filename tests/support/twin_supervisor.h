// A supervisor and, for a while, a second one that was made from its snapshot: both are told the same, and
// must answer the same.
#pragma once

#include "daemon/core/snapshot.h"
#include "daemon/core/supervisor.h"
#include "tests/support/simulated_instance.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace procctl::test {

// Instances are named by their names, since each supervisor gives ids of its own.
class twin_supervisor {
public:
    explicit twin_supervisor(std::uint64_t run) : first_{std::make_unique<supervisor>(run), {}} {}

    [[nodiscard]] const supervisor& core() const { return *first_.core; }
    [[nodiscard]] const std::string& name_of(instance_id id) const { return first_.names.at(id); }
    [[nodiscard]] bool has_twin() const { return second_.core != nullptr; }

    void make_twin()
    {
        const std::string text = write_snapshot(first_.core->snapshot());
        auto read = read_snapshot(text);
        if (!read) throw broken_promise("a snapshot can be read: " + read.error().message());
        second_.core = std::make_unique<supervisor>(std::move(*read));
        second_.names.clear();
        for (const instance_id id : second_.core->all())
            second_.names.emplace(id, second_.core->find(id)->name);
        must(write_snapshot(second_.core->snapshot()) == text, "a snapshot of a snapshot is the same");
    }
    void part()
    {
        must(write_snapshot(first_.core->snapshot()) == write_snapshot(second_.core->snapshot()),
             "after the same events a snapshot is the same");
        second_.core.reset();
    }

    orders on(const std::string& name, const event& e, const instant& now)
    {
        return ask([&](supervisor& s) { return s.on(id_of(s, name), e, now); });
    }
    orders on_time(const instant& now)
    {
        return ask([&](supervisor& s) { return s.on_time(now); });
    }
    orders apply(const std::vector<loaded_program>& next, const instant& now)
    {
        return ask([&](supervisor& s) { return s.apply(next, now); });
    }
    orders reset_failed(const std::string& name, const instant& now)
    {
        return ask([&](supervisor& s) { return s.reset_failed(id_of(s, name), now); });
    }
    orders kill(const std::string& name, int signal, signal_scope scope)
    {
        return ask([&](supervisor& s) { return s.kill(id_of(s, name), signal, scope); });
    }
    orders shut_down(const instant& now)
    {
        return ask([&](supervisor& s) { return s.shut_down(now); });
    }
    orders hurry(const instant& now)
    {
        return ask([&](supervisor& s) { return s.hurry(now); });
    }
    std::pair<job_id, orders> request(const std::string& name, job_kind kind, const instant& now)
    {
        job_id job = 0;
        orders given = ask([&](supervisor& s) {
            orders out;
            const job_id mine = s.request(id_of(s, name), kind, now, out);
            if (&s == first_.core.get()) job = mine;
            return out;
        });
        return {job, std::move(given)};
    }

private:
    struct half {
        std::unique_ptr<supervisor> core;
        std::map<instance_id, std::string> names;
    };

    static instance_id id_of(const supervisor& s, const std::string& name)
    {
        const instance* const found = s.find(name);
        return found == nullptr ? UINT32_MAX : found->id;
    }

    template <class Call> orders ask(Call call)
    {
        orders given = call(*first_.core);
        learn_names(first_, given);
        if (second_.core == nullptr) return given;
        const orders others = call(*second_.core);
        learn_names(second_, others);
        compare(in_words(first_, given), in_words(second_, others));
        for (const instance_id id : first_.core->all()) {
            const instance& mine = *first_.core->find(id);
            const instance* const its = second_.core->find(mine.name);
            must(its != nullptr && its->status == mine.status, "what was restored goes the same way");
        }
        must(first_.core->next_deadline() == second_.core->next_deadline(),
             "what was restored waits for the same time");
        must(first_.core->is_all_down() == second_.core->is_all_down(), "what was restored is as much down");
        return given;
    }

    static void learn_names(half& h, const orders& given)
    {
        for (const order& o : given)
            if (const auto* added = std::get_if<instance_added>(&o))
                h.names.emplace(added->who, h.core->find(added->who)->name);
    }

    static void compare(const std::vector<std::string>& mine, const std::vector<std::string>& its)
    {
        if (mine == its) return;
        std::string text = "what was restored orders the same";
        for (std::size_t i = 0; i < std::max(mine.size(), its.size()); ++i)
            text += '\n' + (i < mine.size() ? mine[i] : "nothing") + " | " +
                    (i < its.size() ? its[i] : "nothing");
        throw broken_promise(text);
    }

    // Jobs are not carried over.
    static std::vector<std::string> in_words(const half& h, const orders& given)
    {
        std::vector<std::string> all;
        for (const order& o : given) {
            if (const auto* mine = std::get_if<instance_order>(&o)) {
                std::string line = h.names.at(mine->who) + ": " + describe(mine->what);
                if (const auto* made = std::get_if<start_process>(&mine->what))
                    line += " as " + std::to_string(made->serial);
                all.push_back(std::move(line));
            }
            if (const auto* added = std::get_if<instance_added>(&o))
                all.push_back(h.names.at(added->who) + ": added");
            if (const auto* removed = std::get_if<instance_removed>(&o))
                all.push_back(removed->name + ": removed");
        }
        return all;
    }

    half first_, second_;
};

} // namespace procctl::test
