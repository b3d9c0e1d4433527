#include "daemon/output/daemon_link.h"

#include "daemon/output/message_socket.h"

#include <array>

#include <errno.h>
#include <sys/epoll.h>

namespace procctl::output {
namespace {

// Orders taken in one turn of the loop, so that a thousand new streams do not hold up the old ones.
constexpr int orders_per_turn = 64;

} // namespace

daemon_link::daemon_link(unique_fd socket, int epoll, std::uint64_t key)
    : socket_(std::move(socket)), epoll_(epoll), key_(key)
{
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = key_;
    // Without it we would never hear anything: as if there were no daemon, then.
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket_.get(), &event) < 0) lose();
}

void daemon_link::send(const reply& r)
{
    if (!is_open()) return;
    std::string bytes = encode(r);
    if (waiting_.empty() && send_message(socket_.get(), bytes)) return;
    waiting_.push_back(std::move(bytes));
    if (waiting_.size() == 1) watch(true);
}

void daemon_link::handle(std::uint32_t events, const std::function<void(order&, unique_fd)>& obey)
{
    if ((events & EPOLLOUT) != 0) send_waiting();
    if ((events & ~std::uint32_t{EPOLLOUT}) != 0) receive(obey);
}

void daemon_link::watch(bool for_room)
{
    epoll_event event{};
    event.events = EPOLLIN | (for_room ? unsigned{EPOLLOUT} : 0U);
    event.data.u64 = key_;
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, socket_.get(), &event);
}

void daemon_link::send_waiting()
{
    while (!waiting_.empty()) {
        if (const auto sent = send_message(socket_.get(), waiting_.front()); !sent) {
            if (sent.error().code.value() == EAGAIN) return;
            waiting_.clear(); // the daemon is gone: receiving will say so
            break;
        }
        waiting_.pop_front();
    }
    watch(false);
}

void daemon_link::receive(const std::function<void(order&, unique_fd)>& obey)
{
    std::array<char, max_order_size> buffer;
    for (int i = 0; i < orders_per_turn && is_open(); ++i) {
        auto got = receive_message(socket_.get(), buffer);
        if (!got) {
            const int problem = got.error().code.value();
            if (problem == EAGAIN) return;
            // ECONNRESET: the daemon has died with replies unread. What it had sent can still be read.
            if (problem == ECONNRESET || problem == EMSGSIZE) continue;
            return lose();
        }
        if (got->size == 0) return lose();
        if (auto read = decode_order({buffer.data(), got->size})) obey(*read, std::move(got->passed));
    }
}

void daemon_link::lose()
{
    socket_.reset(); // and leaves epoll
    waiting_.clear();
}

} // namespace procctl::output
