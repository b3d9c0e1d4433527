// One connection of the control API: reads requests, has the routes answer them, writes the replies.
//
// The only header that knows Asio besides server.cpp, which includes it; Beast is in http_session.cpp alone.
#pragma once

#include "daemon/control/server.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>

namespace procctl {

// What all sessions share. Outlives each of them.
struct session_environment {
    backend* daemon = nullptr;
    access_rules rules;
    control_limits limits;
    control_server::error_callback on_error;
};

class http_session {
public:
    // The connection is a connected stream socket of a Unix domain.
    http_session(boost::asio::io_context&, unique_fd connection, const requester&,
                 std::shared_ptr<const session_environment>);
    ~http_session();
    http_session(const http_session&) = delete;
    http_session& operator=(const http_session&) = delete;

    // The whole conversation. Never throws because of what the client does.
    [[nodiscard]] static boost::asio::awaitable<void> run(std::shared_ptr<http_session>);
    // Ends the conversation at its next step; the daemon is not called any more.
    void close();

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace procctl
