// What a client sends to the control socket, byte for byte, against the real server with a supervisor of
// three programs: no crash, no leak, and afterwards the next client is served as ever.

#include "daemon/control/server.h"
#include "tests/unit/daemon/control/fake_backend.h"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>

using namespace procctl;

namespace {

class fixture {
public:
    fixture() : server_(loop_, listen(), daemon_, {.own_uid = ::getuid()}, [](const error&) {})
    {
        program_config web;
        web.name = "web";
        program_config worker;
        worker.name = "worker";
        worker.instances = 2;
        daemon_.load({web, worker});
    }

    std::string converse(std::string_view bytes)
    {
        const unique_fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (::connect(client.get(), reinterpret_cast<sockaddr*>(&address_), size_) != 0) std::abort();
        turn();
        while (!bytes.empty()) {
            const ssize_t n = ::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n <= 0) break;
            bytes.remove_prefix(static_cast<std::size_t>(n));
            turn();
        }
        ::shutdown(client.get(), SHUT_WR);
        std::string got;
        char space[4096];
        for (int quiet = 0; quiet < 2;) {
            turn();
            const ssize_t n = ::recv(client.get(), space, sizeof space, 0);
            if (n > 0)
                got.append(space, static_cast<std::size_t>(n));
            else
                ++quiet;
        }
        return got;
    }

private:
    unique_fd listen()
    {
        unique_fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        address_.sun_family = AF_UNIX; // without a path: the kernel chooses a name
        if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address_), sizeof(sa_family_t)) != 0) std::abort();
        size_ = sizeof address_;
        if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address_), &size_) != 0) std::abort();
        if (::listen(fd.get(), 16) != 0) std::abort();
        return fd;
    }
    void turn()
    {
        loop_.restart();
        loop_.poll();
        daemon_.answer_requests();
        daemon_.settle();
        daemon_.is_output_late = ++turns_ % 2 == 0;
        daemon_.calls.clear();
        loop_.restart();
        loop_.poll();
    }

    boost::asio::io_context loop_;
    sockaddr_un address_{};
    socklen_t size_ = 0;
    fake_backend daemon_;
    unsigned turns_ = 0;
    control_server server_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static fixture server;
    static_cast<void>(server.converse({reinterpret_cast<const char*>(data), size}));
    const std::string after = server.converse("GET /v1/version HTTP/1.1\r\n\r\n");
    if (!after.starts_with("HTTP/1.1 200")) std::abort();
    return 0;
}
