// A daemon without processes: a real supervisor whose orders are carried out by the test, and a record of
// what the control API asked for.
#pragma once

#include "daemon/control/backend.h"

#include <utility>

namespace procctl {

class fake_backend : public backend {
public:
    fake_backend() : supervisor_(7) {}

    // Programs as if loaded; what has autostart is started, and its process has the pid 1000 and up.
    void load(std::vector<program_config> configs)
    {
        std::vector<loaded_program> loaded;
        for (program_config& config : configs) {
            if (config.exec_start.empty()) config.exec_start = {{.argv = {"/bin/" + config.name}}};
            const int line = static_cast<int>(loaded.size()) * 10 + 2;
            loaded.push_back({std::move(config), {"/etc/procctl/conf.d/a.yaml", line, 3}});
        }
        carry_out(supervisor_.apply(std::move(loaded), time));
    }

    // What the executor does, with processes that start at once and end when they are signalled.
    void carry_out(const orders& todo)
    {
        for (const order& o : todo) {
            const auto* const mine = std::get_if<instance_order>(&o);
            if (mine == nullptr) continue;
            if (const auto* const start = std::get_if<start_process>(&mine->what)) {
                carry_out(supervisor_.on(
                    mine->who, process_started{.serial = start->serial, .pid = next_pid++, .failure = {}},
                    time));
            } else if (const auto* const check = std::get_if<check_conditions>(&mine->what)) {
                carry_out(supervisor_.on(mine->who,
                                         conditions_checked{.serial = check->serial,
                                                            .condition_met = conditions_hold,
                                                            .assert_met = asserts_hold},
                                         time));
            } else if (const auto* const sent = std::get_if<send_signal>(&mine->what);
                       sent != nullptr && signals_end_processes && sent->signal != 18) {
                ended(mine->who, {exit_code_kind::killed, sent->signal});
            }
        }
    }

    void ended(instance_id who, process_end how)
    {
        const instance* const i = supervisor_.find(who);
        if (i == nullptr || i->status.main_pid == 0) return;
        carry_out(supervisor_.on(
            who, process_exited{.serial = i->status.main_serial, .end = how, .has_others = false}, time));
    }
    void ended(std::string_view name, process_end how) { ended(supervisor_.find(name)->id, how); }
    // The output of its last run, which is over.
    void wrote(std::string_view name, std::string tail)
    {
        const instance* const i = supervisor_.find(name);
        carry_out(supervisor_.on(i->id, output_ended{i->status.last_run.invocation, std::move(tail)}, time));
    }

    [[nodiscard]] const supervisor& programs() const override { return supervisor_; }
    [[nodiscard]] daemon_facts facts() const override { return facts_; }
    [[nodiscard]] output_view output_of(const instance& who) const override
    {
        output_view view = output;
        if (view.standard_output.note.empty())
            view.standard_output.path = "/var/log/procctl/" + who.name + ".log";
        return view;
    }
    void when_settled(std::vector<instance_id> ids, std::function<void()> then) override
    {
        if (!is_output_late) return then();
        calls.push_back("output of " + std::to_string(ids.size()) + " awaited");
        unsettled.push_back(std::move(then));
    }
    // Whatever the programs wrote has arrived.
    void settle()
    {
        is_output_late = false;
        for (const auto& then : std::exchange(unsettled, {}))
            then();
    }
    [[nodiscard]] std::string note(const instance&) const override { return note_; }
    [[nodiscard]] std::string control_group(const instance& who) const override
    {
        return who.status.main_pid == 0 ? "" : "/procctld/" + who.name;
    }
    [[nodiscard]] unsigned stored_descriptors(const instance&) const override { return 2; }
    [[nodiscard]] instant now() const override { return time; }

    // Answers later, when the test calls answer_requests(), as the contract has it.
    void request(std::vector<instance_id> ids, job_kind kind, const requester& who, bool wait,
                 std::function<void(std::vector<job_report>)> done) override
    {
        calls.push_back(std::string(to_text(kind)) + " of " + std::to_string(ids.size()) + " by " +
                        std::to_string(who.uid) + (wait ? "" : " without waiting"));
        std::vector<job_report> reports;
        for (const instance_id id : ids) {
            orders out;
            const std::string name = supervisor_.find(id)->name;
            supervisor_.request(id, kind, time, out);
            carry_out(out);
            reports.push_back({id, name, outcome});
        }
        owed.push_back([done = std::move(done), reports = std::move(reports)] { done(reports); });
        if (on_owed) on_owed();
    }
    void answer_requests()
    {
        for (const auto& pay : std::exchange(owed, {}))
            pay();
    }
    void reset_failed(std::vector<instance_id> ids, const requester&) override
    {
        calls.push_back("reset-failed of " + std::to_string(ids.size()));
        for (const instance_id id : ids)
            carry_out(supervisor_.reset_failed(id, time));
    }
    void kill(std::vector<instance_id> ids, int signal, signal_scope scope, const requester&) override
    {
        calls.push_back("kill " + std::to_string(signal) +
                        (scope == signal_scope::main      ? " main"
                         : scope == signal_scope::control ? " control"
                                                          : " all") +
                        " of " + std::to_string(ids.size()));
    }
    void update(bool dry_run, bool wait, const requester&, std::function<void(update_report)> done) override
    {
        calls.push_back(std::string("update") + (dry_run ? " dry" : "") + (wait ? "" : " without waiting"));
        owed.push_back([done = std::move(done), report = next_update] { done(report); });
        if (on_owed) on_owed();
    }
    [[nodiscard]] result<void> serve_log(unique_fd client, const log_query& query) override
    {
        std::string text;
        for (const std::string& name : query.instances)
            text += name + ' ';
        const log_selection& what = query.what;
        text += what.lines ? std::to_string(*what.lines) : "all";
        if (what.follow) text += " follow";
        if (what.since) text += " since " + std::to_string(*what.since);
        if (what.until) text += " until " + std::to_string(*what.until);
        if (!what.stream.empty()) text += " of " + what.stream;
        if (what.pattern) text += " with " + *what.pattern;
        if (what.output == log_output::json) text += " as json";
        if (what.has_color) text += " in color";
        calls.push_back("log of " + text);
        return serve(std::move(client));
    }
    [[nodiscard]] result<void> serve_source(unique_fd client,
                                            const std::vector<source_position>& places) override
    {
        calls.push_back("source of " + std::to_string(places.size()) + " from line " +
                        std::to_string(places.front().line));
        return serve(std::move(client));
    }
    void rotate_logs(std::vector<instance_id> ids, const requester& who,
                     std::function<void(std::vector<log_rotation>)> done) override
    {
        calls.push_back("rotate logs of " + std::to_string(ids.size()) + " by " + std::to_string(who.uid));
        std::vector<log_rotation> rotations;
        for (const instance_id id : ids) {
            rotations.push_back(next_rotation);
            rotations.back().who = id;
            rotations.back().name = supervisor_.find(id)->name;
        }
        owed.push_back([done = std::move(done), rotations = std::move(rotations)] { done(rotations); });
        if (on_owed) on_owed();
    }
    void shut_down(const requester& who) override
    {
        calls.push_back("shutdown by " + std::to_string(who.uid));
    }

    supervisor supervisor_;
    instant time{time_point{std::chrono::seconds(1000)}, wall_time{std::chrono::seconds(1'700'000'000)}};
    daemon_facts facts_{.version = "0.1.0",
                        .pid = 42,
                        .started = wall_time{std::chrono::seconds(1'700'000'000)},
                        .conf_d = "/etc/procctl/conf.d",
                        .socket = "/run/procctl/procctl.sock",
                        .log_dir = "/var/log/procctl",
                        .state_dir = "/var/lib/procctl",
                        .configuration_problems = {},
                        .dropped_log_lines = 0};
    std::string note_;
    output_view output;          // of every instance, but for the path
    bool is_output_late = false; // until settle()
    std::vector<std::function<void()>> unsettled;
    int next_pid = 1000;
    bool signals_end_processes = true;
    bool conditions_hold = true;
    bool asserts_hold = true;
    job_outcome outcome = job_outcome::done;
    update_report next_update;
    log_rotation next_rotation; // of every instance
    std::vector<std::string> calls;
    std::vector<std::function<void()>> owed; // completions not yet called
    std::function<void()> on_owed;

private:
    static result<void> serve(unique_fd client)
    {
        static constexpr std::string_view text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                                 "Connection: close\r\n\r\nlines\n";
        if (::write(client.get(), text.data(), text.size()) < 0) return last_error("cannot write");
        return {};
    }
};

} // namespace procctl
