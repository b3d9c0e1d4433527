#include "daemon/control/server.h"

#include "daemon/control/http_session.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <set>
#include <string>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

namespace procctl {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

// One line to a new connection, whose buffer is empty: it fits, or the client has gone.
void refuse(const unique_fd& connection)
{
    const std::string body = to_json(protocol::error_reply{
                                 "too-many-connections", "the daemon serves as many connections as it may"}) +
                             '\n';
    const std::string reply = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
                              "Content-Length: " +
                              std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
    static_cast<void>(::send(connection.get(), reply.data(), reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

std::string what_of(const std::exception_ptr& thrown)
{
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "an exception of an unknown type";
    }
}

} // namespace

// Kept alive by its coroutines, which see is_closed and end.
struct control_server::impl : std::enable_shared_from_this<control_server::impl> {
    impl(asio::io_context& io, unique_fd fd, session_environment env)
        : loop(io), listener(io), pause(io),
          environment(std::make_shared<session_environment>(std::move(env)))
    {
        const int flags = ::fcntl(fd.get(), F_GETFL);
        ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK);
        error_code failed;
        listener.assign(fd.get(), failed);
        if (failed)
            report({failed, "cannot watch the control socket"});
        else
            static_cast<void>(fd.release());
    }

    asio::io_context& loop;
    asio::posix::stream_descriptor listener;
    asio::steady_timer pause;
    std::shared_ptr<session_environment> environment;
    std::set<http_session*> sessions;
    bool is_closed = false;

    void report(const error& e) const
    {
        if (environment->on_error && !is_closed) environment->on_error(e);
    }

    static asio::awaitable<void> serve(std::shared_ptr<impl> self);
    // Accepts what waits, but no more than a few at a turn. False when accept fails.
    bool accept_some();
    void begin_session(unique_fd connection);
    void close();
};

// Waits for the listener to become readable rather than using Asio's accept, which has no CLOEXEC.
asio::awaitable<void> control_server::impl::serve(std::shared_ptr<impl> self)
{
    bool was_well = true; // a failure that lasts is reported once
    while (!self->is_closed) {
        const auto [failed] =
            co_await self->listener.async_wait(asio::posix::descriptor_base::wait_read, as_result);
        if (failed || self->is_closed) co_return;
        const bool is_well = self->accept_some();
        if (!is_well) {
            if (was_well) self->report(last_error("cannot accept a connection to the control socket"));
            // The connection waits in the backlog and would wake us at once, and again.
            self->pause.expires_after(self->environment->limits.accept_pause);
            co_await self->pause.async_wait(as_result);
        }
        was_well = is_well;
    }
}

bool control_server::impl::accept_some()
{
    for (int i = 0; i < 16; ++i) {
        unique_fd connection(
            ::accept4(listener.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (connection)
            begin_session(std::move(connection));
        else if (errno == EAGAIN)
            return true;
        else if (errno != EINTR && errno != ECONNABORTED)
            return false;
    }
    return true;
}

void control_server::impl::begin_session(unique_fd connection)
{
    const auto who = peer_of(connection.get());
    if (!who) return report(who.error());
    const control_limits& limits = environment->limits;
    const std::size_t most =
        limits.connections + (is_administrator(environment->rules, *who) ? limits.reserve : 0);
    if (sessions.size() >= most) return refuse(connection);
    auto session = std::make_shared<http_session>(loop, std::move(connection), *who, environment);
    sessions.insert(session.get());
    asio::co_spawn(loop, http_session::run(session),
                   [self = shared_from_this(), session](const std::exception_ptr& thrown) {
                       self->sessions.erase(session.get());
                       if (thrown) self->report(make_error("a control session ended: " + what_of(thrown)));
                   });
}

void control_server::impl::close()
{
    if (std::exchange(is_closed, true)) return;
    error_code ignored;
    listener.close(ignored);
    pause.cancel();
    for (http_session* const session : sessions)
        session->close();
}

control_server::control_server(asio::io_context& loop, unique_fd listener, backend& daemon,
                               access_rules rules, error_callback on_error, control_limits limits)
    : impl_(std::make_shared<impl>(
          loop, std::move(listener),
          session_environment{
              .daemon = &daemon, .rules = rules, .limits = limits, .on_error = std::move(on_error)}))
{
    asio::co_spawn(loop, impl::serve(impl_), [self = impl_](const std::exception_ptr& thrown) {
        if (thrown) self->report(make_error("the control server ended: " + what_of(thrown)));
    });
}

control_server::~control_server() { close(); }

void control_server::close() { impl_->close(); }

std::size_t control_server::connections() const { return impl_->sessions.size(); }

} // namespace procctl
