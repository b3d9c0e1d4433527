// The client against a server of canned bytes: one thread that accepts, reads a request and writes a reply.

#include "common/unique_fd.h"
#include "ctl/client.h"
#include "tests/support/catch.h"

#include <string>
#include <thread>
#include <vector>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

using namespace procctl;
using namespace procctl::ctl;

namespace {

class canned_server {
public:
    // Each reply ends its connection if it says so ("Connection: close"), or is the last.
    explicit canned_server(std::vector<std::string> replies)
    {
        std::string pattern = "/tmp/procctl-client-test-XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        folder_ = pattern;
        path = folder_ + "/sock";
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        listener_ = unique_fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener_.get(), 8) == 0);
        thread_ = std::jthread([this, todo = std::move(replies)] { serve(todo); });
    }
    ~canned_server()
    {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
        ::unlink(path.c_str());
        ::rmdir(folder_.c_str());
    }
    canned_server(const canned_server&) = delete;
    canned_server& operator=(const canned_server&) = delete;

    std::string path;
    std::string
        requests; // all that was read; look at it once the server has been joined or the reply is there
    int connections = 0;

private:
    void serve(const std::vector<std::string>& replies)
    {
        unique_fd peer;
        for (const std::string& reply : replies) {
            if (!peer) {
                peer.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
                if (!peer) return;
                ++connections;
            }
            if (!read_request(peer)) return;
            ::send(peer.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
            if (reply.find("Connection: close") != std::string::npos) peer.reset();
        }
    }
    bool read_request(const unique_fd& peer)
    {
        std::string text;
        char byte = 0;
        while (!text.ends_with("\r\n\r\n"))
            if (::recv(peer.get(), &byte, 1, 0) == 1)
                text += byte;
            else
                return false;
        const std::size_t at = text.find("Content-Length: ");
        for (int left = at == std::string::npos ? 0 : std::atoi(text.c_str() + at + 16); left > 0; --left)
            if (::recv(peer.get(), &byte, 1, 0) == 1) text += byte;
        requests += text;
        return true;
    }

    std::string folder_;
    unique_fd listener_;
    std::jthread thread_;
};

std::string reply_of(int status, const std::string& body)
{
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

} // namespace

TEST_CASE("requests share one connection", "[client]")
{
    canned_server server({reply_of(200, "one"), reply_of(404, "two")});
    client c(server.path);
    const auto first = c.request("GET", "/v1/a?b=c", "");
    REQUIRE(first);
    CHECK(first->status == 200);
    CHECK(first->body == "one");
    const auto second = c.request("POST", "/v1/jobs", "{}");
    REQUIRE(second);
    CHECK(second->status == 404);
    CHECK(second->body == "two");
    CHECK(server.connections == 1);
    CHECK(server.requests.starts_with("GET /v1/a?b=c HTTP/1.1\r\n"));
    CHECK(server.requests.find("POST /v1/jobs HTTP/1.1\r\n") != std::string::npos);
    CHECK(server.requests.ends_with("\r\n\r\n{}"));
}

TEST_CASE("a closed connection is opened again", "[client]")
{
    const std::string closing = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na";
    canned_server server({closing, closing});
    client c(server.path);
    CHECK(c.request("GET", "/", "")->body == "a");
    CHECK(c.request("GET", "/", "")->body == "a");
    CHECK(server.connections == 2);
}

TEST_CASE("the end of a connection can be waited for", "[client]")
{
    canned_server server({reply_of(200, "one")}); // closes after the last reply
    client c(server.path);
    CHECK(c.request("GET", "/", ""));
    c.wait_until_closed();
    CHECK(server.connections == 1);
}

TEST_CASE("a stream is passed on as it comes, until the server ends it", "[client]")
{
    canned_server server(
        {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(100'000, 'x') + "end"});
    client c(server.path);
    std::string got;
    const auto reply = c.stream(
        "/v1/log", [&](std::string_view piece) { got += piece; }, infinity);
    REQUIRE(reply);
    CHECK(reply->status == 200);
    CHECK(got.size() == 100'003);
    CHECK(got.ends_with("end"));
}

TEST_CASE("a stream that breaks off says so, and keeps what has come", "[client]")
{
    canned_server server({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"});
    client c(server.path);
    std::string got;
    const auto reply = c.stream(
        "/v1/log", [&](std::string_view piece) { got += piece; }, infinity);
    REQUIRE(reply);
    CHECK(!reply->is_complete);
    CHECK(got == "abc");
}

TEST_CASE("a stream that stands still is given up", "[client]")
{
    canned_server server({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "never sent"});
    client c(server.path);
    std::string got;
    const auto reply = c.stream(
        "/v1/log", [&](std::string_view piece) { got += piece; }, std::chrono::milliseconds(20));
    REQUIRE(reply);
    CHECK(!reply->is_complete);
    CHECK(got == "abc");
}

TEST_CASE("the process that answers can be watched, and no other", "[client]")
{
    canned_server server({reply_of(200, "one"), reply_of(200, "two")});
    client c(server.path);
    CHECK(!c.process(::getpid())); // nobody has answered yet
    CHECK(c.request("GET", "/", ""));
    const unique_fd process = c.process(::getpid()); // the server is a thread of this one
    CHECK(process);
    pollfd end{.fd = process.get(), .events = POLLIN, .revents = 0};
    CHECK(::poll(&end, 1, 0) == 0);
    CHECK(!c.process(1)); // it says another number than the kernel does
    CHECK(c.request("GET", "/", ""));
}

TEST_CASE("a stream that is refused is a reply", "[client]")
{
    canned_server server({reply_of(404, "no such program")});
    client c(server.path);
    bool was_called = false;
    const auto reply = c.stream(
        "/v1/log", [&](std::string_view) { was_called = true; }, infinity);
    REQUIRE(reply);
    CHECK(reply->status == 404);
    CHECK(reply->body == "no such program");
    CHECK(!was_called);
}

TEST_CASE("a socket that does not answer is an error with its reason", "[client]")
{
    client missing("/nonexistent/procctl.sock");
    const auto none = missing.request("GET", "/", "");
    REQUIRE(!none);
    CHECK(none.error().code == std::errc::no_such_file_or_directory);
    CHECK(none.error().message() ==
          "cannot talk to the daemon at /nonexistent/procctl.sock: No such file or directory");
    missing.wait_until_closed(); // there is nothing to wait for

    client too_long(std::string(200, 'x'));
    CHECK(too_long.request("GET", "/", "").error().code == std::errc::filename_too_long);
}

TEST_CASE("a server that dies or talks nonsense is an error", "[client]")
{
    const std::string reply =
        GENERATE(as<std::string>{}, "Connection: close", "HTTP/1.1 200 OK\r\nConnection: close\r\n",
                 "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhalf");
    CAPTURE(reply);
    canned_server server({reply});
    client c(server.path);
    CHECK(!c.request("GET", "/", ""));
}
