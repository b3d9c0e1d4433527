#include "daemon/control/http_session.h"

#include "daemon/control/routes.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <limits>
#include <optional>

#include <fcntl.h>

namespace procctl {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using local = asio::local::stream_protocol;

// Errors come as values: that a peer has closed is no exception.
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

// Where a reply that comes later arrives. Shared with whoever promised it, because the connection may be gone
// by then.
struct reply_slot {
    explicit reply_slot(asio::io_context& loop) : wake(loop, asio::steady_timer::time_point::max()) {}

    asio::steady_timer wake;
    std::optional<final_response> reply;
    bool is_abandoned = false; // the client has gone, or the server closes

    void arrive(final_response r)
    {
        reply = std::move(r);
        wake.cancel();
    }
    void abandon()
    {
        is_abandoned = true;
        wake.cancel();
    }
};

http::response<http::string_body> to_http(http_reply reply, unsigned version, bool keep_alive)
{
    http::response<http::string_body> out{static_cast<http::status>(reply.status), version};
    out.set(http::field::content_type, "application/json");
    if (!reply.allow.empty()) out.set(http::field::allow, reply.allow);
    out.body() = std::move(reply.body);
    out.body() += '\n'; // so that a terminal shows it well
    out.keep_alive(keep_alive);
    out.prepare_payload();
    return out;
}

// What to tell a client whose request cannot be read; empty when there is nobody to tell.
std::optional<http_reply> refusal_of(const error_code& failed, const control_limits& limits)
{
    if (failed == http::error::header_limit || failed == http::error::buffer_overflow)
        return error_response(431, "too-large",
                              "the request's header is longer than " + std::to_string(limits.header_bytes) +
                                  " bytes");
    if (failed == http::error::body_limit)
        return error_response(413, "too-large",
                              "the request's body is longer than " + std::to_string(limits.body_bytes) +
                                  " bytes");
    if (failed == http::error::end_of_stream || failed == http::error::partial_message) return {};
    if (failed.category() == make_error_code(http::error::bad_method).category())
        return error_response(400, "bad-request", "the request is not HTTP: " + failed.message());
    return {};
}

// Whoever writes the whole response does so with plain, blocking calls.
void make_blocking(int fd)
{
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags >= 0) ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

} // namespace

struct http_session::impl {
    impl(asio::io_context& io, unique_fd connection, const requester& client,
         std::shared_ptr<const session_environment> env)
        : loop(io), stream(io), who(client), environment(std::move(env))
    {
        error_code failed;
        stream.socket().assign(local(), connection.get(), failed);
        if (!failed) static_cast<void>(connection.release());
    }

    asio::io_context& loop;
    beast::basic_stream<local> stream;
    beast::flat_buffer buffer;
    requester who;
    std::shared_ptr<const session_environment> environment;
    std::shared_ptr<reply_slot> awaited; // while a reply is to come
    bool is_closing = false;

    // Reads one request; empty when the connection is to end.
    asio::awaitable<std::optional<http::request<http::string_body>>> read_request();
    asio::awaitable<bool> send_continue();
    // Answers whether the connection goes on.
    asio::awaitable<bool> respond(http::request<http::string_body> request);
    asio::awaitable<std::optional<final_response>> await_reply(deferred_reply later);
    asio::awaitable<bool> write(http_reply reply, http::verb method, unsigned version, bool keep_alive);
    void give_away(const hand_over& to);
    response answer_safely(const http::request<http::string_body>& request);
    void report(error e) const
    {
        if (environment->on_error && !is_closing) environment->on_error(e);
    }
};

asio::awaitable<std::optional<http::request<http::string_body>>> http_session::impl::read_request()
{
    const control_limits& limits = environment->limits;
    // A pipelined request is in the buffer already.
    if (buffer.size() == 0) {
        stream.expires_after(limits.idle);
        const auto [failed, size] = co_await stream.async_read_some(buffer.prepare(4096), as_result);
        if (failed || is_closing) co_return std::nullopt;
        buffer.commit(size);
    }
    stream.expires_after(limits.request);
    http::request_parser<http::string_body> parser;
    parser.header_limit(limits.header_bytes);
    parser.body_limit(limits.body_bytes);
    auto failed = std::get<0>(co_await http::async_read_header(stream, buffer, parser, as_result));
    if (!failed && !parser.is_done() && beast::iequals(parser.get()[http::field::expect], "100-continue") &&
        !co_await send_continue())
        co_return std::nullopt;
    if (!failed && !parser.is_done())
        failed = std::get<0>(co_await http::async_read(stream, buffer, parser, as_result));
    if (is_closing) co_return std::nullopt;
    if (failed) {
        if (auto refused = refusal_of(failed, limits))
            co_await write(std::move(*refused), http::verb::unknown, 11, false);
        co_return std::nullopt;
    }
    co_return parser.release();
}

asio::awaitable<bool> http_session::impl::send_continue()
{
    static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto [failed, size] =
        co_await asio::async_write(stream, asio::buffer(text.data(), text.size()), as_result);
    co_return !failed;
}

response http_session::impl::answer_safely(const http::request<http::string_body>& request)
{
    try {
        return answer({.method = std::string(request.method_string()),
                       .target = std::string(request.target()),
                       .body = request.body()},
                      who, environment->rules, *environment->daemon);
    } catch (const std::exception& e) {
        report(make_error("cannot answer " + std::string(request.method_string()) + ' ' +
                          std::string(request.target()) + ": " + e.what()));
        return error_response(500, "internal", "the daemon could not answer; its log says why");
    }
}

asio::awaitable<bool> http_session::impl::respond(http::request<http::string_body> request)
{
    const http::verb method = request.method();
    response what = answer_safely(request);
    if (const auto* const later = std::get_if<deferred_reply>(&what)) {
        auto reply = co_await await_reply(*later);
        if (!reply) co_return false;
        std::visit([&](auto& final) { what = std::move(final); }, *reply);
    }
    if (const auto* const given = std::get_if<hand_over>(&what)) {
        if (method != http::verb::head) {
            give_away(*given);
            co_return false;
        }
        what = http_reply{};
    }
    co_return co_await write(std::get<http_reply>(std::move(what)), method, request.version(),
                             request.keep_alive());
}

// A job may take minutes. A client that hangs up meanwhile frees its connection; the job goes on. Only a full
// close counts: a client may well have shut down its sending half.
asio::awaitable<std::optional<final_response>> http_session::impl::await_reply(deferred_reply later)
{
    stream.expires_never();
    awaited = std::make_shared<reply_slot>(loop);
    const auto slot = awaited;
    stream.socket().async_wait(asio::socket_base::wait_error, [slot](const error_code& failed) {
        if (!failed) slot->abandon();
    });
    later.begin([slot](final_response reply) { slot->arrive(std::move(reply)); });
    if (!slot->reply && !slot->is_abandoned) co_await slot->wake.async_wait(as_result);
    awaited.reset();
    error_code ignored;
    stream.socket().cancel(ignored);
    if (slot->is_abandoned || is_closing) co_return std::nullopt;
    co_return std::move(slot->reply);
}

asio::awaitable<bool> http_session::impl::write(http_reply reply, http::verb method, unsigned version,
                                                bool keep_alive)
{
    const std::function<void()> after = std::move(reply.after);
    http::response<http::string_body> message = to_http(std::move(reply), version, keep_alive);
    http::response_serializer<http::string_body> serializer(message);
    stream.expires_after(environment->limits.response);
    // A HEAD is told the length of the body that GET would have brought.
    const bool head_only = method == http::verb::head;
    const auto [failed, size] = head_only ? co_await http::async_write_header(stream, serializer, as_result)
                                          : co_await http::async_write(stream, serializer, as_result);
    if (after && !is_closing) after();
    co_return !failed && !is_closing && keep_alive;
}

void http_session::impl::give_away(const hand_over& to)
{
    error_code failed;
    unique_fd connection(stream.release_socket().release(failed));
    if (failed) return report({failed, "cannot give a connection away"});
    make_blocking(connection.get());
    if (const auto given = to.to(std::move(connection)); !given) report(given.error());
}

http_session::http_session(asio::io_context& loop, unique_fd connection, const requester& who,
                           std::shared_ptr<const session_environment> environment)
    : impl_(std::make_unique<impl>(loop, std::move(connection), who, std::move(environment)))
{
}

http_session::~http_session() = default;

asio::awaitable<void> http_session::run(std::shared_ptr<http_session> self)
{
    impl& session = *self->impl_;
    while (!session.is_closing) {
        auto request = co_await session.read_request();
        if (!request || !co_await session.respond(std::move(*request))) break;
    }
    session.stream.close();
}

void http_session::close()
{
    impl_->is_closing = true;
    if (impl_->awaited) impl_->awaited->abandon();
    impl_->stream.close();
}

} // namespace procctl
