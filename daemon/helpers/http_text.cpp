#include "daemon/helpers/http_text.h"

#include "common/protocol.h"

#include <array>
#include <charconv>
#include <string>

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

namespace procctl {

bool http_text::begin(std::string_view type)
{
    return write_all("HTTP/1.1 200 OK\r\n"
                     "Content-Type: " +
                     std::string(type) +
                     "\r\n"
                     "Transfer-Encoding: chunked\r\n"
                     "Connection: close\r\n"
                     "\r\n");
}

bool http_text::refuse(int status, std::string_view kind, std::string_view message)
{
    const std::string body = to_json(protocol::error_reply{std::string(kind), std::string(message)});
    return write_all("HTTP/1.1 " + std::to_string(status) + (status == 409 ? " Conflict" : " Bad Request") +
                     "\r\n"
                     "Content-Type: application/json\r\n"
                     "Content-Length: " +
                     std::to_string(body.size() + 1) +
                     "\r\n"
                     "Connection: close\r\n"
                     "\r\n" +
                     body + '\n');
}

bool http_text::send(std::string_view bytes)
{
    if (bytes.empty()) return true; // a chunk of no bytes would be the end
    std::array<char, 20> size{};
    const auto end = std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16);
    std::string head(size.data(), end.ptr);
    head += "\r\n";
    return write_all(head) && write_all(bytes) && write_all("\r\n");
}

bool http_text::finish() { return write_all("0\r\n\r\n"); }

bool http_text::write_all(std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return false;
        pollfd room{socket_, POLLOUT, 0};
        ::poll(&room, 1, -1);
    }
    return true;
}

} // namespace procctl
