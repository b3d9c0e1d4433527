// The output process's line to the daemon: orders in, replies out. Never waits for a daemon that is busy.
#pragma once

#include "common/unique_fd.h"
#include "daemon/output/message.h"

#include <deque>
#include <functional>
#include <string>

namespace procctl::output {

class daemon_link {
public:
    // `epoll` is borrowed; it will tell of the socket by `key`.
    daemon_link(unique_fd socket, int epoll, std::uint64_t key);

    // False once the daemon is gone: replies are dropped then.
    [[nodiscard]] bool is_open() const { return bool(socket_); }

    void send(const reply&);
    // Call with what epoll told of the socket. `obey` is called for each order, with the descriptor that came
    // beside it; what is not an order is refused in silence, for it is no reason to leave all streams alone.
    void handle(std::uint32_t events, const std::function<void(order&, unique_fd)>& obey);

private:
    void watch(bool for_room);
    void send_waiting();
    void receive(const std::function<void(order&, unique_fd)>& obey);
    void lose();

    unique_fd socket_;
    int epoll_;
    std::uint64_t key_;
    std::deque<std::string> waiting_; // replies that the socket did not take yet
};

} // namespace procctl::output
