#include "common/protocol.h"
#include "ctl/handlers.h"
#include "ctl/render.h"

#include <algorithm>
#include <ostream>

namespace procctl::ctl {
namespace {

bool has_jobs(const api_reply& reply)
{
    if (reply.status == 200) return true;
    const auto why = protocol::error_reply_from_json(reply.body);
    return why && why->kind == "job-failed";
}

int report_jobs(session& s, const api_reply& reply)
{
    if (!has_jobs(reply)) return refused(s, reply);
    const auto jobs = protocol::job_replies_from_json(reply.body);
    if (!jobs) return not_understood(s, jobs.error());
    const job_texts texts = render_jobs(*jobs, s.how);
    if (s.opts.json()) {
        s.out << reply.body;
    } else {
        s.out << texts.done << std::flush;
        s.err << texts.failed;
    }
    return texts.failed.empty() ? exit_done : exit_failed;
}

int run_jobs(session& s, std::string job)
{
    const std::string body = to_json(protocol::job_request{.job = std::move(job), .names = s.opts.names});
    const asked answer = ask(s, "POST", s.opts.no_wait ? "/v1/jobs?wait=false" : "/v1/jobs", body);
    return answer.failed ? *answer.failed : report_jobs(s, answer.reply);
}

// A request of its own for each name. All are made; the first failure is the exit status.
int for_each_name(session& s, const std::vector<std::string>& names, const std::string& what)
{
    int status = exit_done;
    for (const std::string& name : names) {
        const asked answer = ask(s, "POST", "/v1/programs/" + encoded(name) + what);
        if (answer.failed) return *answer.failed;
        const int one = report_jobs(s, answer.reply);
        if (status == exit_done) status = one;
    }
    return status;
}

} // namespace

int run_start(session& s) { return run_jobs(s, "start"); }
int run_stop(session& s) { return run_jobs(s, "stop"); }
int run_restart(session& s) { return run_jobs(s, "restart"); }
int run_try_restart(session& s) { return run_jobs(s, "try-restart"); }
int run_reload(session& s) { return run_jobs(s, "reload"); }

int run_kill(session& s)
{
    return for_each_name(s, s.opts.names,
                         "/kill?signal=" + encoded(s.opts.signal) + "&whom=" + encoded(s.opts.kill_whom));
}

int run_reset_failed(session& s)
{
    return for_each_name(s, s.opts.names.empty() ? std::vector<std::string>{"all"} : s.opts.names,
                         "/reset-failed");
}

int rotate_logs(session& s) { return for_each_name(s, s.opts.names, "/log/rotate"); }

int run_update(session& s)
{
    std::string target = s.opts.dry_run ? "/v1/update?dry_run=true" : "/v1/update?dry_run=false";
    if (s.opts.no_wait) target += "&wait=false";
    const asked answer = ask(s, "POST", target);
    if (answer.failed) return *answer.failed;
    const auto why = protocol::error_reply_from_json(answer.reply.body);
    const bool is_update =
        answer.reply.status == 200 || (why && (why->kind == "configuration" || why->kind == "job-failed"));
    if (!is_update) return refused(s, answer.reply);
    const auto update = protocol::update_reply_from_json(answer.reply.body);
    if (!update) return not_understood(s, update.error());
    const job_texts jobs = render_jobs(update->jobs, s.how);
    const bool is_well = update->ok && jobs.failed.empty();
    if (s.opts.json()) {
        s.out << answer.reply.body;
        return is_well ? exit_done : exit_failed;
    }
    s.err << render_problems(update->problems, s.how);
    if (!update->ok)
        s.err << "procctl: " << (why ? printable(why->message) : "the configuration was refused") << '\n';
    else
        s.out << render_update(*update) << std::flush;
    s.err << jobs.failed;
    return is_well ? exit_done : exit_failed;
}

} // namespace procctl::ctl
