#include "daemon/control/handlers.h"

#include "common/signal_name.h"
#include "daemon/control/explanation.h"
#include "daemon/control/job_replies.h"
#include "daemon/control/request_parts.h"
#include "daemon/control/settled_response.h"
#include "daemon/control/status_view.h"

#include <algorithm>
#include <optional>
#include <set>

namespace procctl::handlers {
namespace {

outside_view outside_of(const instance& who, const backend& daemon)
{
    return {.output = daemon.output_of(who),
            .note = daemon.note(who),
            .control_group = daemon.control_group(who),
            .stored_descriptors = daemon.stored_descriptors(who)};
}

// One view at a time: the views of thousands of programs at once would leave the heap that large.
std::string views_of(const std::vector<instance_id>& ids, const backend& daemon)
{
    const instant now = daemon.now();
    std::string list = "[";
    for (const instance_id id : ids) {
        const instance* const who = daemon.programs().find(id);
        if (who == nullptr) continue;
        if (list.size() > 1) list += ',';
        list += to_json(view_of(*who, outside_of(*who, daemon), now));
    }
    return list += ']';
}

// The same for `procctl show`.
std::string properties_of(const std::vector<instance_id>& ids, const backend& daemon)
{
    const instant now = daemon.now();
    std::string list = "[";
    for (const instance_id id : ids) {
        const instance* const who = daemon.programs().find(id);
        if (who == nullptr) continue;
        if (list.size() > 1) list += ',';
        list += protocol::to_json(all_properties_of(*who, outside_of(*who, daemon), now));
    }
    return list += ']';
}

response views_response(const std::vector<instance_id>& ids, backend& daemon)
{
    return settled_response(daemon, ids, [ids, &daemon] { return ok(views_of(ids, daemon)); });
}

std::vector<protocol::problem> problems_of(const diagnostics& found)
{
    std::vector<protocol::problem> out;
    for (const diagnostic& d : found)
        out.push_back({.level = d.level == severity::error ? "error" : "warning",
                       .file = d.where.file,
                       .line = d.where.line,
                       .column = d.where.column,
                       .message = d.message});
    return out;
}

http_reply jobs_response(const std::vector<protocol::job_reply>& jobs)
{
    if (failures_in(jobs) == 0) return ok(to_json(jobs));
    return {.status = 409, .body = to_json(jobs_failed(jobs), jobs)};
}

// Those of them that are down or on their way there: try-restart has nothing to do for them.
std::set<instance_id> down_ones(const std::vector<instance_id>& ids, const supervisor& programs)
{
    const auto is_idle = [](const instance_status& s) {
        return is_down(s) || active_state_of(s.state) == active_state::deactivating;
    };
    std::set<instance_id> out;
    for (const instance_id id : ids)
        if (const instance* const who = programs.find(id); who != nullptr && is_idle(who->status))
            out.insert(id);
    return out;
}

// A job that has failed tells of an end. One that nobody waits for tells nothing yet.
void when_settled(const std::vector<job_report>& reports, bool waited, backend& daemon,
                  std::function<void()> then)
{
    if (!waited) return then();
    std::vector<instance_id> ids;
    for (const job_report& report : reports)
        ids.push_back(report.who);
    daemon.when_settled(std::move(ids), std::move(then));
}

response run_jobs(const route_call& call, std::vector<instance_id> ids, job_kind kind)
{
    const checked<bool> wait = flag(call, "wait", true);
    if (!wait) return wait.error().reply;
    const auto begin = [ids = std::move(ids), kind, wait = *wait, who = call.who,
                        &daemon = call.daemon](const std::function<void(final_response)>& reply) {
        std::set<instance_id> idle;
        if (kind == job_kind::try_restart && wait) idle = down_ones(ids, daemon.programs());
        daemon.request(ids, kind, who, wait, [=, &daemon](const std::vector<job_report>& reports) {
            when_settled(reports, wait, daemon, [=, &daemon] {
                auto jobs = replies_of(reports, kind, wait, daemon);
                for (std::size_t i = 0; i < jobs.size(); ++i)
                    if (idle.contains(reports[i].who) && jobs[i].outcome == "done")
                        jobs[i].outcome = "skipped";
                reply(jobs_response(jobs));
            });
        });
    };
    return deferred_reply{begin};
}

response run_jobs_of_name(const route_call& call, job_kind kind)
{
    checked<std::vector<instance_id>> ids = named(call);
    if (!ids) return ids.error().reply;
    return run_jobs(call, std::move(*ids), kind);
}

// Requests that are done once they are made.
http_reply done_response(const std::vector<instance_id>& ids, std::string_view job, const backend& daemon)
{
    std::vector<protocol::job_reply> out;
    for (const instance_id id : ids)
        if (const instance* const who = daemon.programs().find(id))
            out.push_back({.name = who->name, .job = std::string(job), .outcome = "done", .explanation = ""});
    return ok(to_json(out));
}

bool has_process(const instance& who, signal_scope scope)
{
    const instance_status& s = who.status;
    switch (scope) {
    case signal_scope::main: return s.main_pid != 0;
    case signal_scope::control: return s.control_pid != 0;
    case signal_scope::main_and_control: return s.main_pid != 0 || s.control_pid != 0;
    case signal_scope::all: break;
    }
    return s.main_pid != 0 || s.control_pid != 0 || s.has_others;
}

http_reply not_running(const std::string& name, signal_scope scope)
{
    return error_response(409, "not-running",
                          "'" + name + "' has no " +
                              (scope == signal_scope::main      ? "main process"
                               : scope == signal_scope::control ? "control process"
                                                                : "process") +
                              " that could be signalled");
}

// systemctl's --kill-whom.
std::optional<signal_scope> parse_scope(std::string_view whom)
{
    if (whom == "all") return signal_scope::all;
    if (whom == "main") return signal_scope::main;
    if (whom == "control") return signal_scope::control;
    return {};
}

http_reply update_response(const update_report& report, bool dry_run, bool waited, const backend& daemon)
{
    protocol::update_reply reply{.ok = report.ok,
                                 .dry_run = dry_run,
                                 .start = report.change.start,
                                 .add = report.change.add,
                                 .restart = report.change.restart,
                                 .replace = report.change.replace,
                                 .stop = report.change.stop,
                                 .remove = report.change.remove,
                                 .problems = problems_of(report.problems),
                                 .jobs = {}};
    for (const job_report& job : report.jobs) {
        const auto is_in = [&](const std::vector<std::string>& names) {
            return std::ranges::find(names, job.name) != names.end();
        };
        const job_kind kind = is_in(reply.start)     ? job_kind::start
                              : is_in(reply.restart) ? job_kind::restart
                                                     : job_kind::stop;
        reply.jobs.push_back(reply_of(job, kind, waited, daemon));
    }
    if (!report.ok)
        return {.status = 422,
                .body = to_json(
                    {.kind = "configuration", .message = "the configuration has errors; nothing was changed"},
                    reply)};
    if (failures_in(reply.jobs) != 0) return {.status = 409, .body = to_json(jobs_failed(reply.jobs), reply)};
    return ok(to_json(reply));
}

} // namespace

response list_programs(const route_call& call)
{
    const std::vector<std::string> patterns = call.target.all("pattern");
    const supervisor& programs = call.daemon.programs();
    const auto ids =
        patterns.empty() ? checked<std::vector<instance_id>>(programs.all()) : matched(patterns, programs);
    if (!ids) return ids.error().reply;
    return views_response(*ids, call.daemon);
}

response get_program(const route_call& call)
{
    const auto ids = named(call);
    if (!ids) return ids.error().reply;
    return views_response(*ids, call.daemon);
}

response get_properties(const route_call& call)
{
    const auto ids = named(call);
    if (!ids) return ids.error().reply;
    return settled_response(call.daemon, *ids,
                            [ids = *ids, &daemon = call.daemon] { return ok(properties_of(ids, daemon)); });
}

response get_source(const route_call& call)
{
    const auto ids = named(call);
    if (!ids) return ids.error().reply;
    std::vector<source_position> places;
    for (const instance_id id : *ids) {
        const instance* const who = call.daemon.programs().find(id);
        if (who == nullptr) continue;
        const source_position& where = who->program->where;
        if (std::ranges::find(places, where) == places.end()) places.push_back(where);
    }
    return hand_over{[places = std::move(places), &daemon = call.daemon](unique_fd client) {
        return daemon.serve_source(std::move(client), places);
    }};
}

response start(const route_call& call) { return run_jobs_of_name(call, job_kind::start); }
response stop(const route_call& call) { return run_jobs_of_name(call, job_kind::stop); }
response restart(const route_call& call) { return run_jobs_of_name(call, job_kind::restart); }
response try_restart(const route_call& call) { return run_jobs_of_name(call, job_kind::try_restart); }
response reload(const route_call& call) { return run_jobs_of_name(call, job_kind::reload); }

response reset_failed(const route_call& call)
{
    const auto ids = named(call);
    if (!ids) return ids.error().reply;
    call.daemon.reset_failed(*ids, call.who);
    return done_response(*ids, "reset-failed", call.daemon);
}

response kill(const route_call& call)
{
    const std::string* const signal_text = call.target.find("signal");
    const auto signal = parse_signal(signal_text == nullptr ? "SIGTERM" : *signal_text);
    if (!signal) return bad_request("the parameter 'signal' is wrong: " + signal.error().message());
    const std::string* const whom = call.target.find("whom");
    const auto scope = parse_scope(whom == nullptr ? "all" : *whom);
    if (!scope) return bad_request("the parameter 'whom' is '" + *whom + "'; it is main, control or all");
    const auto ids = named(call);
    if (!ids) return ids.error().reply;
    std::vector<instance_id> alive = *ids;
    std::erase_if(alive, [&](instance_id id) {
        const instance* const who = call.daemon.programs().find(id);
        return who == nullptr || !has_process(*who, *scope);
    });
    if (alive.empty())
        return settled_response(call.daemon, *ids, [name = std::string(call.name), scope = *scope] {
            return not_running(name, scope);
        });
    call.daemon.kill(alive, *signal, *scope, call.who);
    return settled_response(call.daemon, alive,
                            [alive, &daemon = call.daemon] { return done_response(alive, "kill", daemon); });
}

response post_jobs(const route_call& call)
{
    const auto wanted = protocol::job_request_from_json(call.request.body);
    if (!wanted) return bad_request("cannot read the request's body: " + wanted.error().message());
    auto ids = matched(wanted->names, call.daemon.programs());
    if (!ids) return ids.error().reply;
    for (const job_kind kind : {job_kind::start, job_kind::stop, job_kind::restart, job_kind::try_restart})
        if (wanted->job == to_text(kind)) return run_jobs(call, std::move(*ids), kind);
    return run_jobs(call, std::move(*ids), job_kind::reload);
}

response update(const route_call& call)
{
    const checked<bool> dry_run = flag(call, "dry_run", false);
    if (!dry_run) return dry_run.error().reply;
    const checked<bool> wait = flag(call, "wait", true);
    if (!wait) return wait.error().reply;
    const auto begin = [dry_run = *dry_run, wait = *wait, who = call.who,
                        &daemon = call.daemon](const std::function<void(final_response)>& reply) {
        daemon.update(dry_run, wait, who, [=, &daemon](const update_report& report) {
            when_settled(report.jobs, wait, daemon,
                         [=, &daemon] { reply(update_response(report, dry_run, wait, daemon)); });
        });
    };
    return deferred_reply{begin};
}

response get_daemon(const route_call& call)
{
    const daemon_facts facts = call.daemon.facts();
    protocol::daemon_status status{.version = facts.version,
                                   .pid = facts.pid,
                                   .start_timestamp =
                                       static_cast<std::uint64_t>(facts.started.time_since_epoch().count()),
                                   .programs = 0,
                                   .instances = call.daemon.programs().size(),
                                   .conf_d = facts.conf_d,
                                   .socket = facts.socket,
                                   .log_dir = facts.log_dir,
                                   .state_dir = facts.state_dir,
                                   .dropped_log_lines = facts.dropped_log_lines,
                                   .problems = problems_of(facts.configuration_problems)};
    const std::string* last = nullptr; // the instances of a program stand together in name order
    for (const instance_id id : call.daemon.programs().all()) {
        const std::string& program = call.daemon.programs().find(id)->program->config.name;
        if (last == nullptr || *last != program) ++status.programs;
        last = &program;
    }
    return ok(to_json(status));
}

response shut_down(const route_call& call)
{
    // After the reply, because the daemon may be gone a moment later.
    return http_reply{.status = 200,
                      .body = R"({"job":"shutdown","outcome":"queued"})",
                      .allow = {},
                      .after = [who = call.who, &daemon = call.daemon] { daemon.shut_down(who); }};
}

response get_version(const route_call&)
{
    return ok(protocol::to_json(protocol::version_reply{.version = PROCCTL_VERSION, .api = "v1"}));
}

} // namespace procctl::handlers
