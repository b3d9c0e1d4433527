// All instances together: routes events to the machine of each, keeps jobs, deadlines and the configuration.
//
// Pure: told facts and the time, it answers with orders. Nothing in it is O(programs) per event.
#pragma once

#include "daemon/core/instance_machine.h"
#include "daemon/core/program_config.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace procctl {

// Identifies an instance for the life of the daemon; never reused.
using instance_id = std::uint32_t;
using job_id = std::uint64_t; // 0: no job

// Who asked: for the log and the event history.
struct requester {
    unsigned uid = 0;
    int pid = 0; // 0: the daemon itself
};

// One program as loaded: its value and where it stands.
struct loaded_program {
    program_config config;
    source_position where; // of its entry
};

struct instance {
    instance_id id = 0;
    std::string name;                              // "worker@1"
    unsigned number = 0;                           // 1 for worker@1; 0 without `instances`
    std::shared_ptr<const loaded_program> program; // what runs, or ran last
    instance_status status;
    std::shared_ptr<const loaded_program> next_program; // takes effect once it is down; null: none
    bool removed = false; // gone from the configuration: forgotten once it is down
};

// Orders for the shell: whose, and what.
struct instance_order {
    instance_id who;
    action what;
};
struct job_finished {
    job_id job;
    instance_id who;
    job_outcome outcome;
};
struct instance_added {
    instance_id who;
};
struct instance_removed { // release what belongs to it; its id is dead after this order
    instance_id who;
    std::string name;
};
using order = std::variant<instance_order, job_finished, instance_added, instance_removed>;
using orders = std::vector<order>;

// What a change of the configuration does, by instance name, each sorted.
struct configuration_change {
    std::vector<std::string> start;   // new, with autostart
    std::vector<std::string> add;     // new, without autostart
    std::vector<std::string> restart; // changed and up
    std::vector<std::string> replace; // changed and down: the new configuration counts at the next start
    std::vector<std::string> stop;    // gone from the configuration and up
    std::vector<std::string> remove;  // gone and down
    [[nodiscard]] bool empty() const;
};

struct supervisor_snapshot; // snapshot.h

class supervisor {
public:
    // `run` is random, one per daemon; it becomes the first half of every invocation id.
    explicit supervisor(std::uint64_t run);
    // Goes on where another one was when it gave its snapshot: same names, states and deadlines. Ids are
    // given anew, in name order from 0; jobs and those who wait for them are not carried over.
    explicit supervisor(supervisor_snapshot);
    ~supervisor();
    supervisor(const supervisor&) = delete;
    supervisor& operator=(const supervisor&) = delete;

    // --- Configuration.  `next` is the whole set; names are unique.
    [[nodiscard]] configuration_change plan(std::span<const loaded_program> next) const;
    orders apply(std::vector<loaded_program> next, const instant& now);

    // --- Requests. The job is finished by a job_finished order, perhaps in `out` already.
    job_id request(instance_id, job_kind, const instant& now, orders& out);
    orders reset_failed(instance_id, const instant& now);
    // Signals the processes of an instance, as `procctl kill`: an outside signal, the policy acts on what
    // follows.
    orders kill(instance_id, int signal, signal_scope);
    // The daemon is to end: stops everything; from now on nothing is started. Idempotent.
    orders shut_down(const instant& now);
    // SIGKILL to all that is still there.
    orders hurry(const instant& now);
    [[nodiscard]] bool is_shutting_down() const;
    [[nodiscard]] bool is_all_down() const; // no instance has a process or a restart to come

    // --- Facts.
    orders on(instance_id, const event&, const instant& now);
    // Everything that is due at `now`.
    orders on_time(const instant& now);
    [[nodiscard]] time_point next_deadline() const;

    // --- Questions. Pointers are valid until the next call that is not const.
    [[nodiscard]] const instance* find(instance_id) const;
    [[nodiscard]] const instance* find(std::string_view name) const;
    // "worker" (all its instances), "worker@1", globs over both, "@tag", "all": ids in name order, each once;
    // empty: no such program.
    [[nodiscard]] std::vector<instance_id> match(std::string_view pattern) const;
    [[nodiscard]] std::vector<instance_id> all() const; // in name order (worker@2 before worker@10)
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] supervisor_snapshot snapshot() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace procctl
