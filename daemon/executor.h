// Carries out the core's orders: the one file that knows the core and the adapters.
//
// It turns start_process into a process, send_signal into signals, and what the kernel reports back into
// facts. It decides nothing: which process, which signal and when is the core's business. Facts go to
// `facts`, which may answer with further orders.
#pragma once

#include "daemon/accounts.h"
#include "daemon/control/output_view.h"
#include "daemon/core/supervisor.h"
#include "daemon/helpers/helper_runner.h"
#include "daemon/helpers/open_task.h"
#include "daemon/main_process_finder.h"
#include "daemon/notifications.h"
#include "daemon/os/descriptor_store.h"
#include "daemon/os/reaper.h"
#include "daemon/output_streams.h"
#include "daemon/prepare_process.h"
#include "daemon/prepare_streams.h"

#include <array>
#include <functional>
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

    executor(boost::asio::io_context&, const supervisor&, reaper&, output_streams&, accounts&, helper_runner&,
             host_facts, handlers);

    // Orders of the core about processes.
    void check(const instance&, const check_conditions&);
    void start(const instance&, const start_process&);
    void find(const instance&, const find_main&);
    void watch(const instance&, const watch_main&);
    void signal(const instance&, const send_signal&);
    void end(const instance&, const end_process&);
    void store(const instance&, const store_descriptors&);
    void remove(const instance&, const remove_descriptors&);
    // Whatever its state does not need any more is released.
    void state_changed(const instance&);
    // Releases what belongs to an instance that is gone for good.
    void forget(instance_id);

    // What the reaper saw of a process that start() made or watch() was told of.
    void child_exited(reaper::token, const process_end&, bool has_others);
    void group_empty(reaper::group);
    [[nodiscard]] bool has_known_processes(instance_id) const;

    // Tokens of an instance's processes; other owners use tokens with the highest bit set.
    [[nodiscard]] static bool is_program(reaper::token token) { return (token >> 63U) == 0; }

    // Why no process could be made at the last start; empty when one was.
    [[nodiscard]] std::string note(instance_id) const;
    // Where its output goes: that of the run, or what the next one will have.
    [[nodiscard]] output_view output_of(const instance&) const;
    [[nodiscard]] unsigned stored_descriptors(instance_id) const;

private:
    // What the kernel holds for an instance.
    struct runtime {
        // The processes that are watched, by their serials in the core's words; 0: none.
        std::uint64_t main_serial = 0;
        std::uint64_t control_serial = 0;
        std::optional<descriptor_store> descriptors; // FDSTORE=1
        invocation_id refused_in;                    // the run in which the store was full the last time
        // The end of its main process is told when its PID file has been read.
        bool is_end_pending = false;
        // A helper that opens the files of the main process, of a control process.
        std::array<helper_runner::watch_token, 2> opening;
    };
    // A process on its way, through what a helper may have to find out first.
    struct start_order {
        instance_id who;
        start_process what;
    };

    [[nodiscard]] static reaper::token token_of(instance_id who, std::uint64_t serial)
    {
        return reaper::token{who} << 32U | (serial & 0xffffffffU);
    }
    // After waiting for a helper: whether the core still wants that process.
    [[nodiscard]] bool is_wanted(const start_order&) const;
    // Standard input, output and error of a process that is to be.
    struct standard_files {
        prepared_streams streams;
        opened_files opened; // those that are files
    };
    // The steps of a start; all but the last may have to wait for a helper.
    void find_identity(const start_order&);
    void read_environment(const start_order&, const resolved_identity&);
    void find_log_owner(const start_order&, const identity&, const environment& from_files);
    void open_files(const start_order&, const identity&, const environment& from_files);
    void run(const start_order&, const identity&, const environment& from_files, const standard_files&);
    // What systemd's child finds out before it executes a program, told as the exit that it makes.
    void fail_stage(const start_order&, spawn_stage, std::string reason);
    void fail(const start_order&, std::string reason);
    // Into the request; `input` holds what is borrowed for it.
    [[nodiscard]] result<void> connect_standard(const instance&, const standard_files&, spawn_request&,
                                                unique_fd& input);
    [[nodiscard]] result<prepared_streams> streams_of(const instance&, const identity&) const;
    // What connects the process with the daemon, beside its output.
    [[nodiscard]] result<void> connect(const instance&, exec_command, process_connections&,
                                       std::vector<int>& descriptors);
    void main_exited(instance_id, std::uint64_t serial, const process_end&, bool has_others);
    void open_group(const instance&);
    void rest(const instance&);

    boost::asio::io_context& io_;
    const supervisor& programs_;
    reaper& reaper_;
    output_streams& output_;
    accounts& accounts_;
    helper_runner& helpers_;
    host_facts host_;
    handlers handlers_;
    notifications notifications_;
    main_process_finder finder_;
    std::unordered_map<instance_id, runtime> runtimes_;
    std::unordered_map<instance_id, std::string> notes_;
};

} // namespace procctl
