// What the control API asks of the daemon: the half of daemon_process that is a backend.
#include "common/signal_name.h"
#include "daemon/daemon_process.h"
#include "daemon/helpers/helper_main.h"

#include <boost/asio/post.hpp>

namespace procctl {
namespace {

std::string text_of(const requester& who)
{
    return "uid " + std::to_string(who.uid) + ", pid " + std::to_string(who.pid);
}

} // namespace

daemon_facts daemon_process::facts() const
{
    const settings& s = host_.daemon;
    return {.version = PROCCTL_VERSION,
            .pid = ::getpid(),
            .started = started_,
            .conf_d = s.conf_d,
            .socket = s.socket,
            .log_dir = s.log_dir,
            .state_dir = s.state_dir,
            .configuration_problems = updates_->problems(),
            .dropped_log_lines = output_->dropped_log_lines()};
}

void daemon_process::request(std::vector<instance_id> whom, job_kind kind, const requester& who, bool wait,
                             std::function<void(std::vector<job_report>)> done)
{
    auto answered = [this, done = std::move(done)](std::vector<job_report> reports) {
        boost::asio::post(io_, [done, reports = std::move(reports)]() mutable { done(std::move(reports)); });
    };
    pump_->catch_up();
    auto jobs = jobs_.open(answered);
    std::vector<job_report> queued;
    orders out;
    for (const instance_id id : whom) {
        const instance* i = programs_->find(id);
        if (i == nullptr) continue;
        job_report report{id, i->name, job_outcome::canceled};
        log_->info(i->name + ": " + std::string(to_text(kind)) + " requested by " + text_of(who));
        const job_id job = programs_->request(id, kind, now(), out);
        queued.push_back(report);
        if (wait) jobs.add(job, std::move(report));
    }
    if (wait) jobs_.seal(jobs);
    pump_->carry_out(std::move(out));
    if (!wait) answered(std::move(queued));
}

void daemon_process::reset_failed(std::vector<instance_id> whom, const requester& who)
{
    for (const instance_id id : whom) {
        const instance* i = programs_->find(id);
        if (i == nullptr) continue;
        log_->info(i->name + ": reset-failed requested by " + text_of(who));
        pump_->catch_up();
        pump_->carry_out(programs_->reset_failed(id, now()));
    }
}

void daemon_process::kill(std::vector<instance_id> whom, int signal, signal_scope scope, const requester& who)
{
    for (const instance_id id : whom) {
        const instance* i = programs_->find(id);
        if (i == nullptr) continue;
        log_->info(i->name + ": " + signal_name(signal) + " sent by " + text_of(who));
        pump_->catch_up();
        pump_->carry_out(programs_->kill(id, signal, scope));
    }
}

result<void> daemon_process::serve_log(unique_fd client, const log_query& query)
{
    std::vector<log_source> logs;
    for (const std::string& name : query.instances)
        if (const instance* i = programs_->find(name))
            logs.push_back({i->name, output_of(*i).standard_output.path});
    return helpers_.detach(log_task(logs, query.lines, query.follow), std::move(client));
}

result<void> daemon_process::serve_source(unique_fd client, const std::vector<source_position>& places)
{
    std::vector<text_source> entries;
    for (const source_position& place : places)
        entries.push_back({place.file, place.line});
    return helpers_.detach(source_task(entries), std::move(client));
}

void daemon_process::shut_down(const requester& who) { stop_requested("requested by " + text_of(who)); }

void daemon_process::update(bool dry_run, bool wait, const requester& who,
                            std::function<void(update_report)> done)
{
    updates_->submit({dry_run, wait, who, std::move(done)});
}

} // namespace procctl
