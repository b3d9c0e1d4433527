// The one path through the core: facts and requests in, orders out, until nothing is left to do.
//
// Facts that arise while orders are carried out (a process that could not be made) wait their turn here, so
// that the core is never entered from within its own answer. The start of a thousand programs is not one turn
// of the loop: after a few milliseconds others come first, and an order can have been overtaken when its turn
// comes.
#pragma once

#include "daemon/core/supervisor.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <utility>

namespace procctl {

class event_pump {
public:
    struct handlers {
        std::function<void(const order&)> carry_out;
        std::function<void()> settled; // everything is dealt with, for now
    };

    event_pump(boost::asio::io_context&, supervisor&, handlers);

    void fact(instance_id, const event&);
    // Tells the supervisor what has happened by now. To be called before anything is asked of it: an order
    // that has been carried out could be taken back otherwise, and nobody would own the process that it made.
    void catch_up();
    // Carries out what a request to the supervisor has answered.
    void carry_out(orders);

private:
    void run();
    void tell_next_fact();
    void go_on_later();
    void arm_timer();
    void on_time();

    boost::asio::io_context& io_;
    supervisor& programs_;
    handlers handlers_;
    std::deque<std::pair<instance_id, event>> facts_;
    std::deque<order> orders_;
    std::size_t carried_out_ = 0; // orders, since all was settled
    bool is_running_ = false;
    boost::asio::steady_timer timer_;
    time_point armed_for_ = never;
    bool is_due_ = false;    // on_time is posted
    bool is_posted_ = false; // run is posted, to go on
};

} // namespace procctl
