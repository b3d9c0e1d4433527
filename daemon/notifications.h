// What programs say by sd_notify(3): a socket for each instance that may, and what arrives there as facts.
#pragma once

#include "daemon/core/supervisor.h"
#include "daemon/os/notify_socket.h"
#include "daemon/os/reaper.h"

#include <functional>
#include <string>
#include <unordered_map>

namespace procctl {

class notifications {
public:
    using fact_handler = std::function<void(instance_id, const event&)>;

    // `folder` is for the sockets' files. Groups of the reaper are instance ids.
    notifications(boost::asio::io_context&, const supervisor&, reaper&, std::string folder, fact_handler);

    // The value of NOTIFY_SOCKET; opens the socket at the first call.
    [[nodiscard]] result<std::string> address_of(const instance&);
    // Hands on what has been sent by now: before the end of a process is told.
    void drain(instance_id);
    void close(instance_id);

private:
    void received(instance_id, notify_socket::datagram);
    [[nodiscard]] notified as_fact(const instance&, const notify_socket::datagram&, notify_message);

    boost::asio::io_context& io_;
    const supervisor& programs_;
    reaper& reaper_;
    std::string folder_;
    notify_address kind_;
    fact_handler fact_;
    std::unordered_map<instance_id, notify_socket> sockets_;
};

// A process that MAINPID= or a PID file names, or a guess, as the core is told of it; absent when it is gone.
[[nodiscard]] std::optional<found_process> find_process(reaper&, instance_id, pid_t);
// Its pidfd, for reaper::adopt. Empty when no descriptor is left to be had.
[[nodiscard]] unique_fd pidfd_of(const found_process&);

} // namespace procctl
