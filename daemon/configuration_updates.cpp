#include "daemon/configuration_updates.h"

#include "daemon/helpers/helper_main.h"
#include "daemon/os/clock.h"
#include "daemon/os/memory.h"

#include <boost/asio/post.hpp>

namespace procctl {
namespace {

constexpr duration load_limit = std::chrono::seconds(60);

} // namespace

configuration_updates::configuration_updates(boost::asio::io_context& io, load_request load, settings running,
                                             supervisor& programs, accounts& known, event_pump& pump,
                                             helper_runner& helpers, daemon_log& log)
    : io_(io), load_(std::move(load)), running_(std::move(running)), programs_(programs), accounts_(known),
      pump_(pump), helpers_(helpers), log_(log)
{
}

void configuration_updates::submit(request r)
{
    waiting_.push_back(std::move(r));
    if (waiting_.size() == 1) next();
}

void configuration_updates::next()
{
    if (waiting_.empty()) return;
    helpers_.collect(load_task(load_), load_limit, [this](result<std::string> text) {
        loaded(waiting_.front(), std::move(text));
        waiting_.pop_front();
        next();
    });
}

void configuration_updates::loaded(request& r, result<std::string> text)
{
    update_report report;
    const auto refuse = [&](std::string reason) {
        log_.error("update refused: " + reason);
        report.problems.push_back({severity::error, {}, std::move(reason)});
        answer(std::move(r.done), std::move(report));
    };
    if (is_refusing_) return refuse("the daemon is stopping");
    if (!text) return refuse("cannot load the configuration: " + text.error().message());
    auto next = load_result_from_json(*text);
    if (!next) return refuse("cannot load the configuration: " + next.error().message());

    report.problems = std::move(next->problems);
    if (next->daemon != running_)
        report.problems.push_back(
            {severity::warning,
             {next->daemon.file, 0, 0},
             "the daemon's own settings have changed; they take effect when it is restarted"});
    if (has_errors(report.problems)) {
        if (!r.dry_run) {
            problems_ = report.problems; // `status` goes on to say so until the files are mended
            log_.error("update refused, nothing was changed:");
            for (const diagnostic& problem : report.problems)
                log_.error(problem.text());
        }
        return answer(std::move(r.done), std::move(report));
    }
    report.ok = true;
    pump_.catch_up();
    report.change = programs_.plan(next->programs);
    if (r.dry_run) return answer(std::move(r.done), std::move(report));
    apply(r, std::move(*next), std::move(report));
}

void configuration_updates::apply(request& r, load_result next, update_report report)
{
    problems_ = report.problems;
    accounts_.set(std::move(next.identities), std::move(next.self));
    log_.info("update requested by " +
              (r.who.pid == 0 ? std::string("SIGHUP")
                              : "uid " + std::to_string(r.who.uid) + ", pid " + std::to_string(r.who.pid)));
    log_change(report.change);

    change_in_progress change{.unsettled = {}, .report = report, .done = {}};
    const auto await = [&](const std::vector<std::string>& names) {
        for (const std::string& name : names)
            if (const instance* i = programs_.find(name)) change.unsettled.insert(i->id);
    };
    await(report.change.stop); // afterwards their names may be gone
    orders ordered = programs_.apply(std::move(next.programs), now());
    await(report.change.start);
    await(report.change.restart);
    if (r.wait) {
        change.done = std::move(r.done);
        touched_.insert(change.unsettled.begin(), change.unsettled.end());
        changes_.push_back(std::move(change));
    }
    pump_.carry_out(std::move(ordered));
    if (!r.wait) answer(std::move(r.done), std::move(report));
    give_back_free_memory(); // what was read is a few times what is kept of it
}

void configuration_updates::answer(std::function<void(update_report)> done, update_report report)
{
    boost::asio::post(io_, [done = std::move(done), report = std::move(report)] { done(report); });
}

void configuration_updates::log_change(const configuration_change& change)
{
    const auto say = [this](const char* what, const std::vector<std::string>& names) {
        for (const std::string& name : names)
            log_.info(name + ": " + what);
    };
    say("new, starts", change.start);
    say("new, does not start by itself", change.add);
    say("changed, restarts", change.restart);
    say("changed, takes effect at its next start", change.replace);
    say("gone from the configuration, stops", change.stop);
    say("gone from the configuration", change.remove);
    if (change.empty()) log_.info("nothing has changed");
}

void configuration_updates::touched(instance_id who)
{
    if (!changes_.empty()) touched_.insert(who);
}

bool configuration_updates::has_come_to_rest(instance_id id) const
{
    const instance* i = programs_.find(id);
    if (i == nullptr) return true;
    if (i->removed || i->next_program || i->status.pending != pending_job::none) return false;
    switch (active_state_of(i->status.state)) {
    case active_state::inactive:
    case active_state::failed: return is_down(i->status);
    case active_state::active:
    case active_state::reloading: return true;
    case active_state::activating: return i->status.state == sub_state::auto_restart;
    case active_state::deactivating: return false;
    }
    return true;
}

// Up, or over and well, or skipped by its conditions: what `start` calls done.
bool configuration_updates::has_gone_well(const instance& i)
{
    const instance_status& s = i.status;
    const active_state active = active_state_of(s.state);
    if (active == active_state::active || active == active_state::reloading) return true;
    if (s.state != sub_state::dead) return false;
    return s.result == service_result::exec_condition || s.condition_failed ||
           s.result == service_result::success;
}

void configuration_updates::settled()
{
    if (changes_.empty()) return;
    for (const instance_id id : touched_)
        if (has_come_to_rest(id))
            for (change_in_progress& change : changes_)
                change.unsettled.erase(id);
    touched_.clear();
    std::erase_if(changes_, [this](change_in_progress& change) {
        if (!change.unsettled.empty()) return false;
        for (const auto* names : {&change.report.change.start, &change.report.change.restart})
            for (const std::string& name : *names)
                if (const instance* i = programs_.find(name))
                    change.report.jobs.push_back(
                        {i->id, name, has_gone_well(*i) ? job_outcome::done : job_outcome::failed});
        answer(std::move(change.done), std::move(change.report));
        return true;
    });
}

} // namespace procctl
