#include "daemon/event_pump.h"

#include "daemon/os/clock.h"
#include "daemon/os/memory.h"

#include <boost/asio/post.hpp>

#include <iterator>
#include <optional>

namespace procctl {

namespace {

constexpr duration longest_turn = std::chrono::milliseconds(5);
// After so many orders at once the queues have been large; what they took is given back.
constexpr std::size_t burst = 500;

} // namespace

event_pump::event_pump(boost::asio::io_context& io, supervisor& programs, handlers h)
    : io_(io), programs_(programs), handlers_(std::move(h)), timer_(io)
{
}

void event_pump::fact(instance_id who, const event& what)
{
    facts_.emplace_back(who, what);
    run();
}

void event_pump::carry_out(orders answer)
{
    std::move(answer.begin(), answer.end(), std::back_inserter(orders_));
    run();
}

void event_pump::tell_next_fact()
{
    const auto [who, what] = std::move(facts_.front());
    facts_.pop_front();
    for (order& o : programs_.on(who, what, now())) {
        // What nobody wants ends before another takes its place.
        const auto* mine = std::get_if<instance_order>(&o);
        if (mine != nullptr && std::holds_alternative<end_process>(mine->what))
            orders_.push_front(std::move(o));
        else
            orders_.push_back(std::move(o));
    }
}

void event_pump::catch_up()
{
    while (!facts_.empty())
        tell_next_fact();
}

void event_pump::run()
{
    if (is_running_) return; // the caller is one of the handlers below: the loop there goes on with it
    // Also when a handler throws: what is queued is then dealt with after the next fact, not never.
    struct guard {
        bool& flag;
        explicit guard(bool& f) : flag(f) { flag = true; }
        ~guard() { flag = false; }
        guard(const guard&) = delete;
        guard& operator=(const guard&) = delete;
    };
    std::optional<guard> running(is_running_);
    const time_point end = later(now().monotonic, longest_turn);
    while (!orders_.empty() || !facts_.empty()) {
        if (now().monotonic >= end) return go_on_later();
        if (!orders_.empty()) { // first what was decided, then what happened since
            const order next = std::move(orders_.front());
            orders_.pop_front();
            ++carried_out_;
            handlers_.carry_out(next);
            continue;
        }
        tell_next_fact();
    }
    running.reset();
    arm_timer();
    if (std::exchange(carried_out_, 0) >= burst) give_back_free_memory();
    handlers_.settled();
}

void event_pump::go_on_later()
{
    if (std::exchange(is_posted_, true)) return;
    boost::asio::post(io_, [this] {
        is_posted_ = false;
        run();
    });
}

void event_pump::arm_timer()
{
    const time_point deadline = programs_.next_deadline();
    if (is_due_ || deadline == armed_for_) return;
    armed_for_ = deadline;
    timer_.cancel();
    if (deadline == never) return;
    // A restart without delay is due at once: the next turn of the loop is sooner than any timer, and costs
    // no system call.
    if (deadline <= now().monotonic) {
        is_due_ = true;
        boost::asio::post(io_, [this] { on_time(); });
        return;
    }
    timer_.expires_at(std::chrono::steady_clock::time_point(deadline.time_since_epoch()));
    timer_.async_wait([this, deadline](auto failure) {
        // cancel() does not recall a timeout that is already queued; the core looks at its own deadlines
        // anyway.
        if (!failure && armed_for_ == deadline) on_time();
    });
}

void event_pump::on_time()
{
    is_due_ = false;
    armed_for_ = never;
    catch_up();
    carry_out(programs_.on_time(now()));
}

} // namespace procctl
