// What the control API asks of the daemon: the half of daemon_process that is a backend.
#include "common/signal_name.h"
#include "daemon/daemon_process.h"
#include "daemon/helpers/helper_main.h"
#include "daemon/log_sources.h"

#include <boost/asio/post.hpp>

#include <errno.h>

namespace procctl {
namespace {

std::string text_of(const requester& who)
{
    return "uid " + std::to_string(who.uid) + ", pid " + std::to_string(who.pid);
}

bool writes_by_itself(const program_config& config)
{
    const auto is_own = [](const output_choice& choice) {
        using enum output_kind;
        return choice.kind != log && choice.kind != journal && choice.kind != syslog;
    };
    return is_own(config.standard_output) && is_own(config.standard_error);
}

void describe_rotation(log_rotation& rotation, int errno_value)
{
    using enum log_rotation::outcome;
    if (errno_value == 0) return;
    rotation.result = errno_value == ENOENT || errno_value == ENOTSUP ? skipped : failed;
    if (errno_value == ENOENT)
        rotation.explanation = "it has not written to a log yet";
    else if (errno_value == ENOTSUP)
        rotation.explanation = "its output does not go to a regular file";
    else if (errno_value == ETIMEDOUT)
        rotation.explanation = "the disk does not answer; it is rotated when that does";
    else
        rotation.explanation = make_error(errno_value, "cannot rotate").message();
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
            for (log_source& source : log_sources_of(i->name, i->program->config.name, output_of(*i)))
                request.sources.push_back(std::move(source));
        }
    return helpers_.detach(log_task(request), std::move(client));
}

void daemon_process::rotate_logs(std::vector<instance_id> whom, const requester& who,
                                 std::function<void(std::vector<log_rotation>)> done)
{
    struct rotations {
        std::vector<log_rotation> out;
        std::size_t missing = 0;
        std::function<void(std::vector<log_rotation>)> done;
    };
    const auto under_way = std::make_shared<rotations>();
    under_way->done = std::move(done);
    std::erase_if(whom, [this](instance_id id) { return programs_->find(id) == nullptr; });
    under_way->missing = whom.size();
    if (whom.empty()) return boost::asio::post(io_, [under_way] { under_way->done({}); });
    for (const instance_id id : whom) {
        const std::string& name = programs_->find(id)->name;
        log_->info(name + ": rotation of its log requested by " + text_of(who));
        under_way->out.push_back({id, name, log_rotation::outcome::done, {}});
    }
    for (std::size_t n = 0; n < whom.size(); ++n)
        streams_->rotate(whom[n], [this, under_way, n](int errno_value) {
            log_rotation& rotation = under_way->out[n];
            describe_rotation(rotation, errno_value);
            const instance* const i = programs_->find(rotation.who);
            if (errno_value == ENOENT && i != nullptr && writes_by_itself(i->program->config))
                rotation.explanation = "it writes to its files by itself";
            if (--under_way->missing == 0)
                boost::asio::post(io_, [under_way] { under_way->done(std::move(under_way->out)); });
        });
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
    places_.forget_all(); // something may have been mounted
    updates_->submit({dry_run, wait, who, std::move(done)});
}

} // namespace procctl
