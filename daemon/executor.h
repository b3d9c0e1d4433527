// Carries out the core's orders: the one file that knows the core and the adapters.
//
// It turns start_main into a process, send_signal into a signal, and what the kernel reports back into facts.
// It decides nothing: which process, which signal and when is the core's business. Facts go to `facts`, which
// may answer with further orders.
#pragma once

#include "daemon/config/load.h"
#include "daemon/core/supervisor.h"
#include "daemon/helpers/helper_runner.h"
#include "daemon/os/reaper.h"
#include "daemon/output/output_client.h"
#include "daemon/prepare_process.h"

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace procctl {

class executor {
public:
    struct handlers {
        // Something has happened to an instance.
        std::function<void(instance_id, const event&)> fact;
        // For the log: a sentence about an instance.
        std::function<void(const instance&, const std::string&)> warn;
    };

    executor(const supervisor&, reaper&, output_client&, helper_runner&, host_facts, handlers);

    // The accounts that programs run as, as the last load found them; `self` is the daemon's own.
    void set_identities(std::map<std::string, resolved_identity>, identity self);

    // Orders of the core about processes.
    void start(const instance&); // the process that its status awaits
    void signal(const instance&, const send_signal&);
    // Releases what belongs to an instance that is gone for good.
    void forget(instance_id);

    // What the reaper saw of a child that start() made.
    void child_exited(reaper::token, const process_end&, bool has_leftovers);
    void child_group_gone(reaper::token);

    // Tokens of an instance's children; other owners use tokens with the highest bit set.
    [[nodiscard]] static bool is_program(reaper::token token) { return (token >> 63U) == 0; }

    // Why no process could be made at the last start; empty when one was.
    [[nodiscard]] std::string note(instance_id) const;
    [[nodiscard]] std::string log_path(const instance&) const;

private:
    // What the kernel holds for an instance.
    struct runtime {
        stream_id stream = 0;
        std::string stream_path;
        std::uint64_t serial = 0; // of the main process, in the core's words
        // Of the run's main processes that have left others behind: more than one only where a oneshot has
        // several commands.
        std::vector<std::uint64_t> leftovers;
    };

    [[nodiscard]] static reaper::token token_of(instance_id who, std::uint64_t serial)
    {
        return reaper::token{who} << 32U | (serial & 0xffffffffU);
    }
    void abandon_leftovers(instance_id, runtime&);
    // After waiting for a helper: whether the core still wants that process.
    [[nodiscard]] bool is_wanted(instance_id, std::uint64_t serial) const;
    // The steps of a start; the first two may have to wait for a helper.
    void find_identity(instance_id, std::uint64_t serial, unsigned command_index);
    void read_environment(instance_id, std::uint64_t serial, unsigned command_index,
                          const resolved_identity&);
    void run(instance_id, std::uint64_t serial, unsigned command_index, const resolved_identity&,
             const environment& from_files);
    // A user or group that does not exist: told as the exit with 217 or 216 that systemd's child makes.
    void fail_identity(instance_id, std::uint64_t serial, const resolved_identity&);
    void fail(instance_id, std::uint64_t serial, std::string reason);
    [[nodiscard]] result<int> output_of(const instance&, const identity&);

    const supervisor& programs_;
    reaper& reaper_;
    output_client& output_;
    helper_runner& helpers_;
    host_facts host_;
    handlers handlers_;
    std::map<std::string, resolved_identity> identities_;
    resolved_identity self_;
    std::unordered_map<instance_id, runtime> runtimes_;
    std::unordered_map<instance_id, std::string> notes_;
};

} // namespace procctl
