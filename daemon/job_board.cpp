#include "daemon/job_board.h"

namespace procctl {

struct job_board::request::state {
    done_function done;
    std::vector<job_report> reports;
    std::size_t unfinished = 0;
    bool is_sealed = false;
};

job_board::request::request(job_board& board, std::shared_ptr<state> s) : board_(&board), state_(std::move(s))
{
}

void job_board::request::add(job_id job, job_report report)
{
    board_->waiters_.emplace(job, waiter{state_, state_->reports.size()});
    state_->reports.push_back(std::move(report));
    ++state_->unfinished;
}

job_board::request job_board::open(done_function done)
{
    auto state = std::make_shared<request::state>();
    state->done = std::move(done);
    return {*this, std::move(state)};
}

void job_board::seal(const request& r)
{
    r.state_->is_sealed = true;
    complete_if_done(*r.state_);
}

void job_board::finished(job_id job, job_outcome outcome)
{
    const auto found = waiters_.find(job);
    if (found == waiters_.end()) return;
    const auto [whose, index] = std::move(found->second);
    waiters_.erase(found);
    whose->reports[index].outcome = outcome;
    --whose->unfinished;
    complete_if_done(*whose);
}

void job_board::complete_if_done(request::state& s)
{
    if (!s.is_sealed || s.unfinished != 0) return;
    if (const auto done = std::exchange(s.done, nullptr)) done(std::move(s.reports));
}

} // namespace procctl
