// Whole conversations over a real Unix socket: server and clients take turns in one thread, so that nothing
// depends on time.

#include "daemon/control/server.h"
#include "tests/support/catch.h"
#include "tests/unit/daemon/control/fake_backend.h"

#include <boost/asio/io_context.hpp>

#include <string>

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

using namespace procctl;
using namespace std::chrono_literals;

namespace {

// A listening socket without a file: an address of the abstract name space that the kernel chooses.
struct listener {
    unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    socklen_t size = sizeof(sa_family_t);

    listener()
    {
        address.sun_family = AF_UNIX;
        REQUIRE(::bind(fd.get(), as_sockaddr(), size) == 0);
        size = sizeof address;
        REQUIRE(::getsockname(fd.get(), as_sockaddr(), &size) == 0);
        REQUIRE(::listen(fd.get(), 512) == 0);
    }
    sockaddr* as_sockaddr() { return reinterpret_cast<sockaddr*>(&address); }
};

// Small limits where a test wants to reach them; times no test waits for.
control_limits small_limits()
{
    return {.connections = 3, .reserve = 0, .idle = 600s, .request = 600s, .response = 600s};
}

struct served {
    boost::asio::io_context loop;
    listener at;
    fake_backend daemon;
    std::vector<std::string> errors;
    control_server server;

    explicit served(control_limits limits = small_limits(), unsigned own_uid = ::getuid())
        : server(
              loop, std::move(at.fd), daemon, {.own_uid = own_uid},
              [this](const error& e) { errors.push_back(e.message()); }, limits)
    {
        program_config web;
        web.name = "web";
        daemon.load({web});
        turn();
    }

    // Everything that can be done now.
    void turn()
    {
        loop.restart();
        loop.poll();
    }

    unique_fd connect()
    {
        unique_fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        REQUIRE(::connect(client.get(), at.as_sockaddr(), at.size) == 0);
        turn();
        return client;
    }

    void send(const unique_fd& client, std::string_view text)
    {
        while (!text.empty()) {
            const ssize_t n = ::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN) return; // the server has had enough
            if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
            turn();
        }
    }

    struct received {
        std::string text;
        bool is_closed = false;
    };
    received receive(const unique_fd& client)
    {
        received out;
        char space[4096];
        for (;;) {
            turn();
            const ssize_t n = ::recv(client.get(), space, sizeof space, 0);
            if (n > 0) {
                out.text.append(space, static_cast<std::size_t>(n));
                continue;
            }
            out.is_closed = n == 0 || errno != EAGAIN;
            return out;
        }
    }
    // One request on a connection of its own.
    received ask(std::string_view request)
    {
        const unique_fd client = connect();
        send(client, request);
        return receive(client);
    }
};

constexpr std::string_view get_version = "GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view start_web = "POST /v1/programs/web/start HTTP/1.1\r\nHost: x\r\n\r\n";

std::size_t count(std::string_view text, std::string_view part)
{
    std::size_t n = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size())
        ++n;
    return n;
}

bool begins_with_status(const std::string& text, int status)
{
    return text.starts_with("HTTP/1.1 " + std::to_string(status) + ' ');
}

} // namespace

TEST_CASE("a request is answered, and the connection kept for the next", "[server]")
{
    served s;
    const unique_fd client = s.connect();
    for (int i = 0; i < 3; ++i) {
        s.send(client, get_version);
        const auto got = s.receive(client);
        CHECK(begins_with_status(got.text, 200));
        CHECK(got.text.ends_with("\"api\":\"v1\"}\n"));
        CHECK(!got.is_closed);
    }
    CHECK(s.server.connections() == 1);
    CHECK(s.ask("GET /v1/version HTTP/1.1\r\nConnection: close\r\n\r\n").is_closed);
    CHECK(s.ask("GET /v1/version HTTP/1.0\r\n\r\n").is_closed);
}

TEST_CASE("a client may send byte by byte", "[server]")
{
    served s;
    const unique_fd client = s.connect();
    const std::string body = R"({"job":"start","names":["web"]})";
    const std::string request =
        "POST /v1/jobs?wait=false HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
        body;
    for (const char c : request)
        s.send(client, std::string_view(&c, 1));
    s.turn();
    s.daemon.answer_requests();
    CHECK(begins_with_status(s.receive(client).text, 200));
}

TEST_CASE("pipelined requests are answered in order", "[server]")
{
    served s;
    const unique_fd client = s.connect();
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += get_version;
    s.send(client, many + "GET /v1/nothing HTTP/1.1\r\n\r\n");
    const auto got = s.receive(client);
    CHECK(count(got.text, "HTTP/1.1 200") == 100);
    CHECK(got.text.find("404 Not Found") > got.text.rfind("200 OK"));
    CHECK(!got.is_closed);
}

TEST_CASE("HEAD tells the length and sends no body", "[server]")
{
    served s;
    const auto got = s.ask("HEAD /v1/version HTTP/1.1\r\n\r\n");
    CHECK(got.text.find("Content-Length: 3") != std::string::npos);
    CHECK(got.text.ends_with("\r\n\r\n"));
    CHECK(s.ask("HEAD /v1/programs/web/log HTTP/1.1\r\n\r\n").text.starts_with("HTTP/1.1 200"));
    CHECK(s.daemon.calls.empty());
}

TEST_CASE("what is no HTTP is told so and shown out", "[server]")
{
    served s;
    const std::string garbage = GENERATE(
        as<std::string>{}, "garbage\r\n\r\n", "\x16\x03\x01\x02", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "GET /v1/version HTTP/1.1\r\nContent-Length: x\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "POST /v1/jobs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    CAPTURE(garbage);
    const auto got = s.ask(garbage);
    CHECK(begins_with_status(got.text, 400));
    CHECK(got.is_closed);
    CHECK(begins_with_status(s.ask(get_version).text, 200));
    CHECK(s.errors.empty()); // a client's fault is not the daemon's
}

TEST_CASE("a header that is too long", "[server]")
{
    served s;
    const auto got = s.ask("GET /v1/version HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n");
    CHECK(begins_with_status(got.text, 431));
    CHECK(got.is_closed);
    CHECK(begins_with_status(s.ask("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\n\r\n").text, 431));
}

TEST_CASE("a body of 1 MiB is read, a longer one refused", "[server]")
{
    served s;
    const auto post = [](std::size_t size) {
        return "POST /v1/jobs HTTP/1.1\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
               std::string(size, ' ');
    };
    const auto fits = s.ask(post(1024 * 1024));
    CHECK(begins_with_status(fits.text, 400)); // blanks are no JSON
    CHECK(!fits.is_closed);
    const auto refused = s.ask(post(1024 * 1024 + 1));
    CHECK(begins_with_status(refused.text, 413));
    CHECK(refused.is_closed);
    CHECK(
        begins_with_status(s.ask("POST /v1/jobs HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n").text, 413));
}

TEST_CASE("a client that waits to be asked for its body is asked", "[server]")
{
    served s;
    const unique_fd client = s.connect();
    s.send(client, "POST /v1/jobs HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    CHECK(s.receive(client).text == "HTTP/1.1 100 Continue\r\n\r\n");
    s.send(client, "{}");
    CHECK(begins_with_status(s.receive(client).text, 400));
}

TEST_CASE("a write is answered when its job is done", "[server]")
{
    served s;
    const unique_fd client = s.connect();
    s.send(client, start_web);
    CHECK(s.receive(client).text.empty());
    const unique_fd other = s.connect(); // meanwhile others are served
    s.send(other, get_version);
    CHECK(begins_with_status(s.receive(other).text, 200));
    s.daemon.answer_requests();
    const auto got = s.receive(client);
    CHECK(begins_with_status(got.text, 200));
    CHECK(got.text.find(R"("outcome":"done")") != std::string::npos);
}

TEST_CASE("a client that hangs up while it waits frees its connection", "[server]")
{
    served s;
    unique_fd client = s.connect();
    s.send(client, start_web);
    s.turn();
    REQUIRE(s.daemon.owed.size() == 1);
    client.reset();
    s.turn();
    CHECK(s.server.connections() == 0);
    s.daemon.answer_requests(); // the job goes on, and its end finds nobody
    s.turn();
    CHECK(s.errors.empty());
}

TEST_CASE("a client that has shut down its sending half still gets its reply", "[server]")
{
    served s;
    const unique_fd client = s.connect();
    s.send(client, start_web);
    ::shutdown(client.get(), SHUT_WR);
    s.turn();
    s.daemon.answer_requests();
    const auto got = s.receive(client);
    CHECK(begins_with_status(got.text, 200));
    CHECK(got.is_closed);
}

TEST_CASE("clients that vanish in the middle leave nothing behind", "[server]")
{
    served s;
    const std::string part = GENERATE(as<std::string>{}, "", "GET", "GET /v1/version HTTP/1.1\r\n",
                                      "POST /v1/jobs HTTP/1.1\r\nContent-Length: 100\r\n\r\n{",
                                      "POST /v1/jobs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
    CAPTURE(part);
    {
        const unique_fd client = s.connect();
        s.send(client, part);
    }
    s.turn();
    CHECK(s.server.connections() == 0);
    CHECK(s.errors.empty());
}

TEST_CASE("a client that never reads holds up nobody", "[server]")
{
    served s;
    const unique_fd silent = s.connect();
    for (int i = 0; i < 2000; ++i) {
        if (::send(silent.get(), get_version.data(), get_version.size(), MSG_NOSIGNAL) < 0) break;
        s.turn();
    }
    CHECK(begins_with_status(s.ask(get_version).text, 200));
}

TEST_CASE("one connection too many is told so", "[server]")
{
    served s;
    const unique_fd first = s.connect();
    unique_fd second = s.connect();
    const unique_fd third = s.connect();
    const unique_fd fourth = s.connect();
    const auto got = s.receive(fourth);
    CHECK(begins_with_status(got.text, 503));
    CHECK(got.is_closed);
    const std::size_t body = got.text.find("\r\n\r\n") + 4;
    CHECK(got.text.find("Content-Length: " + std::to_string(got.text.size() - body)) != std::string::npos);
    second.reset();
    s.turn();
    CHECK(begins_with_status(s.ask(get_version).text, 200));
}

TEST_CASE("what is kept for root and the daemon's own user is theirs alone", "[server]")
{
    // An ordinary user is one whom root becomes for a moment; when not run by root, whoever runs the test,
    // with a daemon that belongs to somebody else.
    static constexpr unsigned stranger = 65534;
    control_limits limits = small_limits();
    limits.connections = 2;
    limits.reserve = 1;
    SECTION("the daemon's own user gets in when all other connections are taken")
    {
        served s(limits);
        const unique_fd first = s.connect();
        const unique_fd second = s.connect();
        const unique_fd reserved = s.connect();
        s.send(reserved, get_version);
        CHECK(begins_with_status(s.receive(reserved).text, 200));
        CHECK(begins_with_status(s.receive(s.connect()).text, 503)); // it has an end too
    }
    SECTION("others do not")
    {
        const bool is_root = ::geteuid() == 0;
        served s(limits, is_root ? 0 : ::getuid() + 1);
        if (is_root && ::seteuid(stranger) != 0) return; // a name space that knows no other user
        const unique_fd first = s.connect();
        const unique_fd second = s.connect();
        const unique_fd third = s.connect();
        if (is_root) REQUIRE(::seteuid(0) == 0);
        CHECK(s.server.connections() == 2);
        CHECK(begins_with_status(s.receive(third).text, 503));
        if (!is_root) return;
        const unique_fd administrator = s.connect();
        s.send(administrator, get_version);
        CHECK(begins_with_status(s.receive(administrator).text, 200));
    }
}

TEST_CASE("an idle connection is closed", "[server]")
{
    control_limits limits = small_limits();
    limits.idle = 1us;
    served s(limits);
    const unique_fd client = s.connect();
    s.loop.restart();
    while (s.server.connections() != 0)
        s.loop.run_one();
    CHECK(s.receive(client).is_closed);
}

TEST_CASE("a request that does not end is given up", "[server]")
{
    control_limits limits = small_limits();
    limits.request = 1us;
    served s(limits);
    const unique_fd client = s.connect();
    s.send(client, "GET /v1/version HTT");
    s.loop.restart();
    while (s.server.connections() != 0)
        s.loop.run_one();
    CHECK(s.receive(client).is_closed);
}

TEST_CASE("a log's connection is given away, and its slot is free", "[server]")
{
    served s;
    const auto got = s.ask("GET /v1/programs/web/log?lines=3 HTTP/1.1\r\n\r\n");
    CHECK(got.text.ends_with("lines\n"));
    CHECK(got.is_closed);
    CHECK(s.daemon.calls.back() == "log of web 3");
    CHECK(s.server.connections() == 0);
}

TEST_CASE("a read waits for the output of what has ended, and nobody else does", "[server]")
{
    served s;
    s.daemon.is_output_late = true;
    s.daemon.ended("web", {exit_code_kind::exited, 1});
    const unique_fd client = s.connect();
    s.send(client, "GET /v1/programs/web HTTP/1.1\r\n\r\n");
    CHECK(s.receive(client).text.empty());
    CHECK(begins_with_status(s.ask(get_version).text, 200));
    s.daemon.wrote("web", "cannot bind\n");
    s.daemon.settle();
    const auto got = s.receive(client);
    CHECK(begins_with_status(got.text, 200));
    CHECK(got.text.find(R"("last_output":"cannot bind\n")") != std::string::npos);
    CHECK(!got.is_closed);
    s.send(client, get_version); // and the connection is as it was
    CHECK(begins_with_status(s.receive(client).text, 200));
}

TEST_CASE("a log's connection is given away after a wait, too", "[server]")
{
    served s;
    s.daemon.is_output_late = true;
    const unique_fd client = s.connect();
    s.send(client, "GET /v1/programs/web/log?lines=3 HTTP/1.1\r\n\r\n");
    CHECK(s.receive(client).text.empty());
    const unique_fd head = s.connect();
    s.send(head, "HEAD /v1/programs/web/log HTTP/1.1\r\n\r\n");
    s.daemon.settle();
    const auto got = s.receive(client);
    CHECK(got.text.ends_with("lines\n"));
    CHECK(got.is_closed);
    CHECK(s.receive(head).text.starts_with("HTTP/1.1 200"));
    CHECK(s.daemon.calls.back() == "log of web 3");
    CHECK(s.server.connections() == 1);
}

TEST_CASE("a client that hangs up while output is on its way frees its connection", "[server]")
{
    served s;
    s.daemon.is_output_late = true;
    const std::string target = GENERATE(as<std::string>{}, "/v1/programs", "/v1/programs/web/log");
    unique_fd client = s.connect();
    s.send(client, "GET " + target + " HTTP/1.1\r\n\r\n");
    REQUIRE(s.daemon.unsettled.size() == 1);
    client.reset();
    s.turn();
    CHECK(s.server.connections() == 0);
    s.daemon.settle();
    s.turn();
    CHECK(s.errors.empty());
    CHECK(s.daemon.calls.back() == "output of 1 awaited"); // no log is read for nobody
}

TEST_CASE("output that arrives after close finds nobody", "[server]")
{
    served s;
    s.daemon.is_output_late = true;
    const unique_fd client = s.connect();
    s.send(client, "GET /v1/programs HTTP/1.1\r\n\r\n");
    s.server.close();
    s.turn();
    s.daemon.settle();
    s.turn();
    CHECK(s.receive(client).is_closed);
    CHECK(s.errors.empty());
    CHECK(s.loop.stopped());
}

TEST_CASE("shutdown is answered before it begins", "[server]")
{
    served s;
    CHECK(begins_with_status(s.ask("POST /v1/daemon/shutdown HTTP/1.1\r\n\r\n").text, 200));
    CHECK(s.daemon.calls.back() == "shutdown by " + std::to_string(::getuid()));
}

TEST_CASE("after close nothing is served and nobody is called", "[server]")
{
    served s;
    const unique_fd idle = s.connect();
    const unique_fd waiting = s.connect();
    s.send(waiting, start_web);
    s.turn();
    s.server.close();
    s.server.close();
    s.turn();
    CHECK(s.server.connections() == 0);
    CHECK(s.receive(idle).is_closed);
    CHECK(s.receive(waiting).is_closed);
    s.daemon.answer_requests();
    s.turn();
    CHECK(s.errors.empty());
    CHECK(s.loop.stopped()); // nothing keeps the loop alive
}

TEST_CASE("a handler that throws is an error of the daemon, not its end", "[server]")
{
    served s;
    s.daemon.on_owed = [] { throw std::runtime_error("broken"); };
    const auto got = s.ask(start_web);
    CHECK(got.is_closed);
    REQUIRE(s.errors.size() == 1);
    CHECK(s.errors.front().find("broken") != std::string::npos);
    CHECK(begins_with_status(s.ask(get_version).text, 200));
}

TEST_CASE("without descriptors accepting pauses, and goes on", "[server]")
{
    control_limits limits = small_limits();
    limits.accept_pause = 1us;
    served s(limits);
    unique_fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const unique_fd highest(::dup(0));
    const rlimit none{static_cast<rlim_t>(highest.get()), before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const int connected = ::connect(client.get(), s.at.as_sockaddr(), s.at.size);
    s.loop.restart();
    for (int i = 0; i < 20; ++i)
        s.loop.run_one();
    ::setrlimit(RLIMIT_NOFILE, &before);

    CHECK(connected == 0);
    REQUIRE(s.errors.size() == 1); // said once, however long it lasts
    CHECK(s.errors.front() == "cannot accept a connection to the control socket: Too many open files");
    s.loop.restart();
    while (s.server.connections() == 0)
        s.loop.run_one();
    s.send(client, get_version);
    CHECK(begins_with_status(s.receive(client).text, 200));
}
