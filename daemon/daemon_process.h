// The daemon's parts and what passes between them: the wiring behind daemon.h, for its own two units alone.
//
// daemon.cpp starts and ends it, and passes facts and orders; daemon_requests.cpp answers the control API.
#pragma once

#include "daemon/configuration_updates.h"
#include "daemon/control/server.h"
#include "daemon/event_pump.h"
#include "daemon/executor.h"
#include "daemon/job_board.h"
#include "daemon/log.h"
#include "daemon/log_places.h"
#include "daemon/os/cgroup.h"
#include "daemon/os/clock.h"
#include "daemon/os/service_manager.h"
#include "daemon/os/state_lock.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <optional>
#include <unordered_map>

namespace procctl {

class daemon_process final : public backend {
public:
    explicit daemon_process(load_request);

    // Returns the exit status of the process.
    int run();

    // --- backend
    [[nodiscard]] const supervisor& programs() const override { return *programs_; }
    [[nodiscard]] instant now() const override { return procctl::now(); }
    [[nodiscard]] output_view output_of(const instance& i) const override { return executor_->output_of(i); }
    void when_settled(std::vector<instance_id> whom, std::function<void()> then) override
    {
        streams_->when_settled(whom, std::move(then));
    }
    [[nodiscard]] std::string note(const instance& i) const override { return executor_->note(i.id); }
    [[nodiscard]] std::string control_group(const instance& i) const override
    {
        return reaper_.cgroup_path(i.id);
    }
    [[nodiscard]] unsigned stored_descriptors(const instance& i) const override
    {
        return executor_->stored_descriptors(i.id);
    }
    [[nodiscard]] daemon_facts facts() const override;
    void request(std::vector<instance_id>, job_kind, const requester&, bool wait,
                 std::function<void(std::vector<job_report>)> done) override;
    void reset_failed(std::vector<instance_id>, const requester&) override;
    void kill(std::vector<instance_id>, int signal, signal_scope, const requester&) override;
    void update(bool dry_run, bool wait, const requester&, std::function<void(update_report)> done) override;
    result<void> serve_log(unique_fd client, const log_query&) override;
    result<void> serve_source(unique_fd client, const std::vector<source_position>&) override;
    void shut_down(const requester&) override;

private:
    // --- Start and end.
    void first_load();
    void loaded(result<std::string> answer);
    [[nodiscard]] result<void> set_up(load_result);
    void give_up(const std::string& reason);
    void serve(unique_fd listener);
    void mend_socket();
    void await_signal();
    void stop_requested(const std::string& by);
    void finish_stop();
    void finish_replies(unsigned looks);
    void end(int status);

    // --- Output.
    [[nodiscard]] output_client::settings output_settings();
    [[nodiscard]] output_client::handlers output_handlers();
    void stream_reported(const stream_report&);

    // --- Children.
    void watch(pid_t, unique_fd pidfd, std::function<void(const process_end&)> ended);
    void child_exited(reaper::token, const process_end&, bool has_others);

    // --- The core's answers.
    void carry_out(const order&);
    void carry_out(const instance&, const action&);
    void state_changed(const instance&, const announce_state&);
    void settled();

    load_request request_;
    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_;
    boost::asio::steady_timer limit_{io_};       // of the end
    boost::asio::steady_timer quiet_timer_{io_}; // between two looks whether all clients have their replies
    control_groups cgroups_{control_groups::unwanted{"`control_groups: no` in the settings"}};
    reaper reaper_;
    std::unordered_map<reaper::token, std::function<void(const process_end&)>>
        others_; // helpers, the output process
    reaper::token last_other_ = reaper::token{1} << 63U;
    helper_runner helpers_;
    wall_time started_;
    host_facts host_;
    unsigned socket_mode_ = 0600; // of the control socket
    std::optional<gid_t> socket_gid_;
    service_manager service_manager_;
    std::optional<state_lock> lock_;
    log_places places_{helpers_};
    std::unique_ptr<output_client> output_;
    std::unique_ptr<output_streams> streams_;
    std::unique_ptr<daemon_log> log_;
    std::unique_ptr<supervisor> programs_;
    std::unique_ptr<executor> executor_;
    std::unique_ptr<event_pump> pump_;
    std::unique_ptr<configuration_updates> updates_;
    std::unique_ptr<control_server> server_;
    job_board jobs_;
    int exit_status_ = 0;  // of the process
    int final_status_ = 0; // what it is to be after a stop: success_action and failure_action say so
    bool is_stopping_ = false;
    bool is_finishing_ = false;
    bool is_output_stopping_ = false;
};

} // namespace procctl
