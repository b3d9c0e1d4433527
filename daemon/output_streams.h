// The streams of all instances: which pipes an instance writes into, and what its runs wrote last.
//
// An instance keeps its pipes from run to run, so that an output process has nothing to do at a restart.
// Nothing here waits. How long an end is held back is decided in output_client.
#pragma once

#include "daemon/core/supervisor.h"
#include "daemon/output/output_client.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace procctl {

class output_streams {
public:
    struct handlers {
        // What the run had written last: it has ended, and more of it may follow, in another call.
        std::function<void(instance_id, const output_ended&)> output_ended;
    };

    // Borrowed.
    output_streams(output_client& output, handlers h) : output_(output), handlers_(std::move(h)) {}

    // Has an instance write into just these streams from now on; one that is absent is closed. Nothing
    // happens to those that are open already.
    [[nodiscard]] result<void> open(instance_id, const std::optional<stream_settings>& out,
                                    const std::optional<stream_settings>& err, log_compression);
    // What was written is kept; those who wait for the instance wait no more.
    void close(instance_id);
    // The ends to write into: borrowed; -1: there is no such stream.
    [[nodiscard]] int out(instance_id) const;
    [[nodiscard]] int err(instance_id) const;

    // For formats that say who has spoken: the process that speaks from now on. 0: it is about to be made.
    void set_pid(instance_id, pid_t);
    // A process that writes is about to be started; or could not be, and no other one runs.
    void process_begins(instance_id);
    void process_failed(instance_id);
    // A process of the run has ended: to be told before the core is. What it wrote is on its way from here
    // on.
    void process_ended(instance_id, const invocation_id& run, bool was_last);
    // `run` is the last one that has ended, as the core has it: its last words are told as far as they are
    // known.
    void run_ended(instance_id, const invocation_id& run);

    // Calls `then` when nothing of these instances is on its way any more: within 100 ms, and at once, from
    // within, when nothing is.
    void when_settled(const std::vector<instance_id>&, std::function<void()> then);

    // How the streams fare. All is well where there is none.
    [[nodiscard]] stream_health out_health(instance_id) const;
    [[nodiscard]] stream_health err_health(instance_id) const;

    // Rotates what the instance writes to now. `done` gets 0 or an errno: ENOENT when it has written nothing
    // yet, ENOTSUP when that is no regular file, ETIMEDOUT.
    void rotate(instance_id, std::function<void(int errno_value)> done);
    // Whose stream it is and what becomes of its rotated files; nullptr: nobody's (the daemon's own).
    struct owner {
        instance_id who = 0;
        log_compression compress = log_compression::none;
    };
    [[nodiscard]] const owner* owner_of(stream_id) const;
    // Whether the other stream of the same instance is in just this trouble.
    [[nodiscard]] bool is_in_same_trouble(stream_id, std::string_view trouble) const;

private:
    struct last_words {
        std::string out, err;
    };
    struct instance_streams {
        stream_id out = 0; // 0: none
        stream_id err = 0;
        unsigned tail_size = 0;
        bool has_lines = false; // the output process looks at them (line_mover::is_needed)
        bool tells_pid = false;
        bool share_a_file = false; // out and err, each with a pipe of its own
        unsigned on_their_way = 0; // finishes that are not settled
        invocation_id run;         // the last one of which a process has ended
        bool has_run_ended = false;
        std::unique_ptr<last_words> words; // of that run; null: none
    };
    // Shared by those that it waits for; the last one to settle calls it.
    struct waiter {
        std::size_t missing = 0;
        std::function<void()> then;
    };

    [[nodiscard]] result<void> change(instance_id, stream_id&, const std::optional<stream_settings>&,
                                      log_compression);
    void close_stream(stream_id&);
    void set_run(instance_id, bool writes);
    void finish(instance_id, stream_id, const invocation_id&, std::string last_words::*);
    void heard(instance_id, const invocation_id&, std::string last_words::*, std::string tail);
    void settled(instance_id);
    void tell(instance_id, instance_streams&);
    [[nodiscard]] stream_id stream_of(instance_id, stream_id instance_streams::*) const;

    output_client& output_;
    handlers handlers_;
    std::unordered_map<instance_id, instance_streams> instances_;
    std::unordered_map<stream_id, owner> owners_;
    std::unordered_multimap<instance_id, std::shared_ptr<waiter>> waiters_;
};

} // namespace procctl
