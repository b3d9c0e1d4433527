// `procctl update` and SIGHUP: loads conf.d again in a helper, and makes the core follow it; any error
// changes nothing.
//
// One update at a time: each sees what the one before has made. Whoever waits is answered once the instances
// that the change touches have come to rest.
#pragma once

#include "daemon/accounts.h"
#include "daemon/control/backend.h"
#include "daemon/event_pump.h"
#include "daemon/helpers/helper_runner.h"
#include "daemon/log.h"

#include <deque>
#include <functional>
#include <unordered_set>
#include <vector>

namespace procctl {

class configuration_updates {
public:
    struct request {
        bool dry_run = false;
        bool wait = false;
        requester who;
        std::function<void(update_report)> done; // called once, in the loop, never from within a call here
    };

    configuration_updates(boost::asio::io_context&, load_request, settings running, supervisor&, accounts&,
                          event_pump&, helper_runner&, daemon_log&);

    void submit(request);
    // From now on every update is refused: the daemon is stopping.
    void refuse_all() { is_refusing_ = true; }

    // The instance has changed its state, or is gone.
    void touched(instance_id who);
    // The core has come to rest: answers those whose change is complete.
    void settled();

    // What the last load had to say, be it applied or refused.
    [[nodiscard]] const diagnostics& problems() const { return problems_; }
    void set_problems(diagnostics problems) { problems_ = std::move(problems); }

private:
    // A change under way that somebody waits for.
    struct change_in_progress {
        std::unordered_set<instance_id> unsettled;
        update_report report;
        std::function<void(update_report)> done;
    };

    void next();
    void loaded(request&, result<std::string> answer);
    void apply(request&, load_result, update_report);
    void answer(std::function<void(update_report)> done, update_report);
    void log_change(const configuration_change&);
    [[nodiscard]] bool has_come_to_rest(instance_id) const;
    [[nodiscard]] static bool has_gone_well(const instance&);

    boost::asio::io_context& io_;
    load_request load_;
    settings running_;
    supervisor& programs_;
    accounts& accounts_;
    event_pump& pump_;
    helper_runner& helpers_;
    daemon_log& log_;
    diagnostics problems_;
    std::deque<request> waiting_; // the first is under way
    std::vector<change_in_progress> changes_;
    std::unordered_set<instance_id> touched_; // since the last settled(), while somebody waits
    bool is_refusing_ = false;
};

} // namespace procctl
