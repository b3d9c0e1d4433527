#include "ctl/client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <array>
#include <cerrno>
#include <climits>
#include <optional>

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace procctl::ctl {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using local = asio::local::stream_protocol;

error socket_error(const error_code& failed, const std::string& path)
{
    return {failed, "cannot talk to the daemon at " + path};
}

} // namespace

struct client::impl {
    std::string path;
    asio::io_context loop;
    local::socket socket{loop};
    beast::flat_buffer buffer;

    error_code connect()
    {
        error_code failed;
        if (socket.is_open()) return failed;
        // sockaddr_un has no room for more; Asio would throw.
        if (path.size() >= sizeof(sockaddr_un::sun_path))
            return {ENAMETOOLONG, boost::system::system_category()};
        buffer.clear();
        socket.connect(local::endpoint(path), failed);
        if (failed) disconnect();
        return failed;
    }

    void disconnect()
    {
        error_code ignored;
        socket.close(ignored);
    }

    // Asio's own reads wait for ever.
    error_code await_bytes(duration limit)
    {
        using namespace std::chrono;
        const auto most = milliseconds(INT_MAX);
        const auto wait = limit >= most ? -1 : static_cast<int>(ceil<milliseconds>(limit).count());
        pollfd readable{socket.native_handle(), POLLIN, 0};
        const int ready = ::poll(&readable, 1, wait);
        return ready == 0 ? error_code(ETIMEDOUT, boost::system::system_category()) : error_code();
    }

    error_code send(http::verb method, std::string_view target, std::string_view body)
    {
        http::request<http::string_body> message{method, {target.data(), target.size()}, 11};
        message.set(http::field::host, "procctl");
        if (!body.empty()) message.set(http::field::content_type, "application/json");
        message.body() = body;
        message.prepare_payload();
        error_code failed;
        http::write(socket, message, failed);
        return failed;
    }

    // Sends the request and reads the reply's header. A daemon that refuses a request answers before it has
    // read all of it: a failed write does not mean that there is no answer.
    template <class Body>
    error_code exchange(std::string_view method, std::string_view target, std::string_view body,
                        http::response_parser<Body>& parser)
    {
        if (const error_code failed = connect()) return failed;
        const error_code unsent = send(http::string_to_verb({method.data(), method.size()}), target, body);
        parser.body_limit(boost::none);
        error_code failed;
        http::read_header(socket, buffer, parser, failed);
        return failed && unsent ? unsent : failed;
    }
};

client::client(std::string socket) : impl_(std::make_unique<impl>()) { impl_->path = std::move(socket); }

client::~client() = default;

const std::string& client::socket() const { return impl_->path; }

result<api_reply> client::request(std::string_view method, std::string_view target, std::string_view body)
{
    http::response_parser<http::string_body> parser;
    error_code failed = impl_->exchange(method, target, body, parser);
    if (!failed && !parser.is_done()) http::read(impl_->socket, impl_->buffer, parser, failed);
    const bool is_over = failed || !parser.keep_alive();
    if (is_over) impl_->disconnect();
    if (failed) return socket_error(failed, impl_->path);
    return api_reply{.status = parser.get().result_int(), .body = std::move(parser.get().body())};
}

result<api_reply> client::stream(std::string_view target, const std::function<void(std::string_view)>& piece,
                                 duration longest_wait)
{
    http::response_parser<http::buffer_body> parser;
    error_code failed = impl_->exchange("GET", target, "", parser);
    if (failed) {
        impl_->disconnect();
        return socket_error(failed, impl_->path);
    }
    api_reply reply{.status = parser.get().result_int(), .body = {}};
    impl_->socket.non_blocking(true, failed);
    std::array<char, 16 * 1024> space{};
    while (!failed && !parser.is_done()) {
        http::buffer_body::value_type& body = parser.get().body();
        body.data = space.data();
        body.size = space.size();
        http::read_some(impl_->socket, impl_->buffer, parser, failed);
        if (failed == http::error::need_buffer) failed = {};
        if (failed == asio::error::would_block) failed = impl_->await_bytes(longest_wait);
        const std::string_view got(space.data(), space.size() - body.size);
        if (got.empty()) continue;
        if (reply.status == 200)
            piece(got);
        else
            reply.body += got;
    }
    impl_->disconnect();
    reply.is_complete = !failed;
    return reply;
}

void client::wait_until_closed()
{
    char byte = 0;
    error_code closed;
    while (impl_->socket.is_open() && !closed)
        impl_->socket.read_some(asio::buffer(&byte, 1), closed);
    impl_->disconnect();
}

// SO_PEERCRED names the process that listens, by its number here. Where another has made the socket, or the
// daemon knows itself by another number, the two differ, and `pid` might be anybody.
unique_fd client::process(std::int64_t pid) const
{
    ucred listens{};
    socklen_t size = sizeof listens;
    const int socket = impl_->socket.is_open() ? impl_->socket.native_handle() : -1;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &listens, &size) != 0 || listens.pid != pid) return {};
    return unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, listens.pid, 0)));
}

} // namespace procctl::ctl
