#include "daemon/control/job_replies.h"

#include "daemon/control/explanation.h"

#include <algorithm>

namespace procctl {
namespace {

// A start that a path condition or exec_condition has ended well before it began.
bool was_skipped(const instance& who, job_kind kind, job_outcome outcome)
{
    return outcome == job_outcome::done && kind != job_kind::stop && is_down(who.status) &&
           (who.status.condition_failed || who.status.result == service_result::exec_condition);
}

} // namespace

protocol::job_reply reply_of(const job_report& report, job_kind kind, bool waited, const backend& daemon)
{
    protocol::job_reply reply{.name = report.name,
                              .job = std::string(to_text(kind)),
                              .outcome = waited ? std::string(to_text(report.outcome)) : "queued",
                              .explanation = {}};
    const instance* const who = daemon.programs().find(report.who);
    if (!waited || who == nullptr) return reply;
    if (was_skipped(*who, kind, report.outcome)) reply.outcome = "skipped";
    reply.explanation = explain_job(*who, kind, report.outcome, daemon.note(*who), daemon.now());
    return reply;
}

std::vector<protocol::job_reply> replies_of(const std::vector<job_report>& reports, job_kind kind,
                                            bool waited, const backend& daemon)
{
    std::vector<protocol::job_reply> out;
    for (const job_report& report : reports)
        out.push_back(reply_of(report, kind, waited, daemon));
    return out;
}

std::size_t failures_in(const std::vector<protocol::job_reply>& jobs)
{
    const auto failed = [](const protocol::job_reply& j) {
        return j.outcome != "done" && j.outcome != "skipped" && j.outcome != "queued";
    };
    return static_cast<std::size_t>(std::ranges::count_if(jobs, failed));
}

protocol::error_reply jobs_failed(const std::vector<protocol::job_reply>& jobs)
{
    const std::size_t failed = failures_in(jobs);
    return {.kind = "job-failed",
            .message = std::to_string(failed) + " of " + std::to_string(jobs.size()) +
                       (jobs.size() == 1 ? " job" : " jobs") + " failed"};
}

} // namespace procctl
