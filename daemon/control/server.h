// The control API's server: HTTP/1.1 over a Unix socket that already listens.
//
// A slow, broken or hostile client costs at most one connection of a bounded number, for a bounded time; it
// never blocks or ends the daemon. The HTTP library stays behind this header.
#pragma once

#include "common/result.h"
#include "common/time.h"
#include "common/unique_fd.h"
#include "daemon/control/backend.h"
#include "daemon/control/peer.h"

#include <cstddef>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace procctl {

struct control_limits {
    std::size_t connections = 256; // one more is told 503 and closed
    std::size_t reserve = 32;      // so many more for administrators, whom nobody may lock out
    unsigned header_bytes = 8 * 1024;
    std::size_t body_bytes = 1024 * 1024;
    duration idle = std::chrono::seconds(60);        // between two requests of a connection
    duration request = std::chrono::seconds(10);     // from a request's first byte to its last
    duration response = std::chrono::seconds(30);    // for a client to take its reply
    duration accept_pause = std::chrono::seconds(1); // after a failure of accept, such as EMFILE
};

class control_server {
public:
    // What went wrong without being a client's fault: for the log. Called in the loop.
    using error_callback = std::function<void(const error&)>;

    // Serves from the next turn of the loop on. The backend outlives the server, and the loop runs or is
    // destroyed after it.
    control_server(boost::asio::io_context&, unique_fd listener, backend&, access_rules, error_callback,
                   control_limits = {});
    ~control_server();
    control_server(const control_server&) = delete;
    control_server& operator=(const control_server&) = delete;

    // Closes the listener and every connection; replies not yet written are lost. The backend is not called
    // any more. Idempotent.
    void close();
    [[nodiscard]] std::size_t connections() const;

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace procctl
