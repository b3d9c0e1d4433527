// What the control API may ask of the daemon. The daemon implements it (daemon/daemon_requests.cpp); tests
// have a fake.
//
// Handlers are called in the loop and never block. A completion is called exactly once, in the loop, and, but
// for that of when_settled, never from within the call that was given it.
#pragma once

#include "common/log_selection.h"
#include "common/protocol.h"
#include "common/unique_fd.h"
#include "daemon/control/output_view.h"
#include "daemon/core/supervisor.h"

#include <functional>
#include <string>
#include <vector>

namespace procctl {

struct job_report {
    instance_id who = 0;
    std::string name; // of the instance
    job_outcome outcome = job_outcome::done;
};

struct update_report {
    bool ok = false;              // false: nothing was changed
    configuration_change change;  // what was, or with dry_run would be, done
    diagnostics problems;         // warnings, and errors when not ok
    std::vector<job_report> jobs; // of the starts, stops and restarts, when waited for
};

struct daemon_facts {
    std::string version;
    int pid = 0;
    wall_time started;
    std::string conf_d, socket, log_dir, state_dir;
    diagnostics configuration_problems; // of the last load
    std::uint64_t dropped_log_lines = 0;
};

// A reply that a helper process gives in the daemon's stead, straight to the client's socket.
struct log_query {
    std::vector<std::string> instances;
    log_selection what;
};

// What became of the logs of one instance that were to be rotated.
struct log_rotation {
    enum class outcome {
        done,
        skipped, // there was nothing in it
        failed,
    };
    instance_id who = 0;
    std::string name; // of the instance
    outcome result = outcome::done;
    std::string explanation; // of what is not done: "its output goes to the journal"
};

class backend {
public:
    virtual ~backend() = default;
    backend() = default;
    backend(const backend&) = delete;
    backend& operator=(const backend&) = delete;

    [[nodiscard]] virtual const supervisor& programs() const = 0;
    [[nodiscard]] virtual daemon_facts facts() const = 0;
    [[nodiscard]] virtual output_view output_of(const instance&) const = 0;
    // Why the instance's main process could not be executed, or another word on its state that the core does
    // not know; may be empty.
    [[nodiscard]] virtual std::string note(const instance&) const = 0;
    // The path of the instance's control group below the hierarchy's root, as /proc/PID/cgroup shows it;
    // empty when it has none, because it has no process or because its processes are found by descent.
    [[nodiscard]] virtual std::string control_group(const instance&) const = 0;
    // How many descriptors are kept for it (FDSTORE=1).
    [[nodiscard]] virtual unsigned stored_descriptors(const instance&) const = 0;
    [[nodiscard]] virtual instant now() const = 0;

    // Calls `then` as soon as all that runs of these instances wrote before they ended is where it belongs
    // and the core knows the last of it (output_ended), but after 100 ms at the latest, for a disk may stand
    // still: at once, from within the call, when nothing is on its way. So whoever is told of an end finds
    // the last words in the log. Ids that mean nothing, then or later, are no error.
    virtual void when_settled(std::vector<instance_id>, std::function<void()> then) = 0;

    // Runs a job for each of the instances; `done` once every job is finished, or at once without `wait`.
    virtual void request(std::vector<instance_id>, job_kind, const requester&, bool wait,
                         std::function<void(std::vector<job_report>)> done) = 0;
    virtual void reset_failed(std::vector<instance_id>, const requester&) = 0;
    // Signals. An instance without a process is not an error here: the route says so before it asks.
    virtual void kill(std::vector<instance_id>, int signal, signal_scope, const requester&) = 0;
    virtual void update(bool dry_run, bool wait, const requester&,
                        std::function<void(update_report)> done) = 0;
    // Hands the client's socket to a helper process, which writes the whole HTTP response (log lines, or the
    // text of the entry that defines a program) and closes it. The socket is taken over in any case; the
    // error is for the log.
    [[nodiscard]] virtual result<void> serve_log(unique_fd client, const log_query&) = 0;
    [[nodiscard]] virtual result<void> serve_source(unique_fd client,
                                                    const std::vector<source_position>&) = 0;
    // Rotates the logs of each of the instances, standard error's own too: what is in the file becomes a
    // rotated one. `done` once that is so or has failed; while a disk stands still, it may be a while.
    virtual void rotate_logs(std::vector<instance_id>, const requester&,
                             std::function<void(std::vector<log_rotation>)> done) = 0;
    virtual void shut_down(const requester&) = 0;
};

} // namespace procctl
