// What the control API asks of the daemon: the half of daemon_process that is a backend.
#include "common/signal_name.h"
#include "daemon/daemon_process.h"
#include "daemon/helpers/helper_main.h"
#include "daemon/log_sources.h"

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
    log_request request{.sources = {}, .what = query.what};
    for (const std::string& name : query.instances)
        if (const instance* i = programs_->find(name)) {
            const output_view output{.standard_output = {.path = executor_->log_path(*i)}};
            for (log_source& source : log_sources_of(i->name, i->program->config.name, output))
                request.sources.push_back(std::move(source));
        }
    return helpers_.detach(log_task(request), std::move(client));
}

void daemon_process::rotate_logs(std::vector<instance_id> whom, const requester& who,
                                 std::function<void(std::vector<log_rotation>)> done)
{
    std::vector<log_rotation> out;
    for (const instance_id id : whom) {
        const instance* i = programs_->find(id);
        if (i == nullptr) continue;
        log_->info(i->name + ": rotation of its log requested by " + text_of(who));
        out.push_back({id, i->name, log_rotation::outcome::failed, "this daemon does not rotate logs"});
    }
    boost::asio::post(io_,
                      [done = std::move(done), out = std::move(out)]() mutable { done(std::move(out)); });
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
