// A whole HTTP/1.1 response of plain text, written straight to a client's socket, piece by piece.
//
// The helper has the socket to itself and waits for a slow client as long as the client likes; that is what
// it is for.
#pragma once

#include <string_view>

namespace procctl {

class http_text {
public:
    // `socket` is borrowed, may be non-blocking, and has not been written to.
    explicit http_text(int socket) : socket_(socket) {}

    // Each returns false when the client is gone; then there is nothing left to do.
    // The status line and the header.
    [[nodiscard]] bool begin(std::string_view type = "text/plain; charset=utf-8");
    // A whole response instead, with an error: JSON, as the control API has it.
    [[nodiscard]] bool refuse(int status, std::string_view kind, std::string_view message);
    [[nodiscard]] bool send(std::string_view bytes);
    [[nodiscard]] bool finish();

    [[nodiscard]] int socket() const { return socket_; }

private:
    [[nodiscard]] bool write_all(std::string_view bytes);

    int socket_;
};

} // namespace procctl
