// Who waits for which jobs: a request for several instances is answered once all its jobs are finished.
#pragma once

#include "daemon/control/backend.h"

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace procctl {

class job_board {
public:
    using done_function = std::function<void(std::vector<job_report>)>;

    // A request under way: add its jobs, then seal it. A request without jobs is done when it is sealed.
    class request {
    public:
        void add(job_id, job_report);

    private:
        friend class job_board;
        struct state;
        request(job_board&, std::shared_ptr<state>);
        job_board* board_;
        std::shared_ptr<state> state_;
    };
    [[nodiscard]] request open(done_function);
    void seal(const request&);

    // Told of every job that has finished; those nobody waits for are no error.
    void finished(job_id, job_outcome);

private:
    struct waiter {
        std::shared_ptr<request::state> whose;
        std::size_t index = 0;
    };
    static void complete_if_done(request::state&);
    std::unordered_map<job_id, waiter> waiters_;
};

} // namespace procctl
