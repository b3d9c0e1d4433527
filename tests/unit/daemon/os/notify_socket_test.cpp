#include "daemon/os/notify_socket.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::tests;

namespace {

// sd_notify(3), to the letter: a path, or an abstract name after '@'. False where the queue is full.
bool send_to(const std::string& where, std::string_view text, std::vector<int> descriptors = {})
{
    const unique_fd sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(where, address.sun_path);
    if (where.starts_with('@')) address.sun_path[0] = '\0';
    iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
    msghdr header{};
    header.msg_name = &address;
    header.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + where.size());
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    const std::size_t size = descriptors.size() * sizeof(int);
    std::vector<char> control(CMSG_SPACE(size));
    if (!descriptors.empty()) {
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        cmsghdr* c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(size);
        std::memcpy(CMSG_DATA(c), descriptors.data(), size);
    }
    return ::sendmsg(sender.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

// The same from a child, which has ended when this returns.
pid_t send_from_child(const std::string& where, std::string_view text, uid_t uid = ::getuid())
{
    const pid_t child = ::fork();
    if (child == 0) ::_exit(uid == ::getuid() || ::setuid(uid) == 0 ? (send_to(where, text) ? 0 : 2) : 1);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    return child;
}

std::size_t open_descriptors()
{
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

struct seen {
    std::string text;
    pid_t pid = 0;
    uid_t uid = 0;
    std::vector<unique_fd> descriptors;
    bool is_refused = false;
};

// A socket and what it has handed on.
struct listener {
    explicit listener(notify_address kind = notify_address::file)
    {
        auto opened = notify_socket::open(io, kind, folder.path(), "web", [this](notify_socket::datagram d) {
            all.push_back({std::string(d.text), d.pid, d.uid, std::move(d.descriptors), d.is_refused});
            if (then) then();
        });
        REQUIRE(opened);
        socket = std::move(*opened);
    }
    void turn()
    {
        io.restart();
        io.poll();
    }

    scratch_folder folder;
    boost::asio::io_context io;
    std::optional<notify_socket> socket;
    std::vector<seen> all;
    std::function<void()> then;
};

} // namespace

TEST_CASE("a notification comes with its sender", "[notify_socket]")
{
    const auto kind = GENERATE(notify_address::file, notify_address::abstract);
    listener web(kind);
    CHECK(web.socket->address().starts_with(kind == notify_address::file ? '/' : '@'));

    const pid_t child = send_from_child(web.socket->address(), "READY=1\nSTATUS=up");
    REQUIRE(send_to(web.socket->address(), ""));
    web.turn();
    REQUIRE(web.all.size() == 2);
    CHECK(web.all[0].text == "READY=1\nSTATUS=up");
    CHECK(web.all[0].pid == child);
    CHECK(web.all[0].uid == ::getuid());
    CHECK_FALSE(web.all[0].is_refused);
    CHECK(web.all[1].text.empty());
    CHECK(web.all[1].pid == ::getpid());

    // And again, after the loop has been told of nothing for a while.
    web.turn();
    REQUIRE(send_to(web.socket->address(), "WATCHDOG=1"));
    web.turn();
    CHECK(web.all.size() == 3);
}

TEST_CASE("any user may send", "[notify_socket]")
{
    if (::getuid() != 0) {
        WARN("not root: cannot send as another user");
        return;
    }
    const mode_t before = ::umask(077);
    listener web;
    const std::string below = web.folder / "notify";
    REQUIRE(make_notify_folder(below));
    auto other = notify_socket::open(web.io, notify_address::file, below, "worker@1", [&](auto d) {
        web.all.push_back({std::string(d.text), d.pid, d.uid, {}, d.is_refused});
    });
    ::umask(before);
    REQUIRE(other);
    CHECK(other->address() == below + "/worker@1");
    const pid_t child = send_from_child(other->address(), "READY=1", 65534);
    web.turn();
    REQUIRE(web.all.size() == 1);
    CHECK(web.all[0].pid == child);
    CHECK(web.all[0].uid == 65534);
}

TEST_CASE("descriptors come along, close-on-exec and in their order", "[notify_socket]")
{
    listener web;
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const unique_fd reader(ends[0]);
    unique_fd writer(ends[1]);
    REQUIRE(send_to(web.socket->address(), "FDSTORE=1", {ends[0], ends[1]}));
    writer.reset();
    web.socket->drain();
    REQUIRE(web.all.size() == 1);
    REQUIRE(web.all[0].descriptors.size() == 2);
    for (const unique_fd& fd : web.all[0].descriptors)
        CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(::write(web.all[0].descriptors[1].get(), "x", 1) == 1);
    char got = 0;
    CHECK(::read(reader.get(), &got, 1) == 1);
    CHECK(got == 'x');
}

TEST_CASE("as many descriptors as can be sent at once", "[notify_socket]")
{
    listener web;
    REQUIRE(send_to(web.socket->address(), "FDSTORE=1", std::vector<int>(253, STDIN_FILENO)));
    web.turn();
    REQUIRE(web.all.size() == 1);
    CHECK_FALSE(web.all[0].is_refused);
    CHECK(web.all[0].descriptors.size() == 253);
}

TEST_CASE("what is cut off is refused, and leaks nothing", "[notify_socket]")
{
    listener web;
    const std::size_t before = open_descriptors();

    SECTION("a long text")
    {
        REQUIRE(send_to(web.socket->address(), std::string(4097, 'x'), {STDIN_FILENO}));
        web.turn();
    }
    SECTION("more descriptors than this process may have")
    {
        rlimit limit{};
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
        const rlimit low{.rlim_cur = before + 5, .rlim_max = limit.rlim_max};
        REQUIRE(send_to(web.socket->address(), "FDSTORE=1", std::vector<int>(20, STDIN_FILENO)));
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
        web.turn();
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
    REQUIRE(web.all.size() == 1);
    CHECK(web.all[0].is_refused);
    CHECK(web.all[0].text.empty());
    CHECK(web.all[0].pid == ::getpid());
    CHECK(web.all[0].descriptors.empty());
    while (::wait(nullptr) > 0) { // who closes them for us
    }
    CHECK(open_descriptors() == before);

    REQUIRE(send_to(web.socket->address(), std::string(4096, 'x')));
    web.turn();
    REQUIRE(web.all.size() == 2);
    CHECK(web.all[1].text.size() == 4096);
}

TEST_CASE("draining hands on what was sent before, and the loop finds nothing left", "[notify_socket]")
{
    listener web;
    unsigned sent = 0;
    while (send_to(web.socket->address(), std::to_string(sent)))
        ++sent;
    REQUIRE(sent > 1); // the queue is full
    web.socket->drain();
    REQUIRE(web.all.size() == sent);
    for (unsigned n = 0; n < sent; ++n)
        CHECK(web.all[n].text == std::to_string(n));
    web.socket->drain();
    web.turn();
    CHECK(web.all.size() == sent);
}

TEST_CASE("a sender that never rests holds up neither the loop nor the draining", "[notify_socket]")
{
    listener web;
    const std::string address = web.socket->address();
    web.then = [&] { REQUIRE(send_to(address, "STATUS=more")); };
    REQUIRE(send_to(address, "STATUS=more"));

    SECTION("the loop")
    {
        bool had_its_turn = false;
        std::size_t before = 0;
        while (web.all.empty())
            web.io.run_one();
        boost::asio::post(web.io, [&] {
            had_its_turn = true;
            before = web.all.size();
        });
        while (!had_its_turn)
            web.io.run_one();
        CHECK(before <= 128);
        // Readiness is told again although nothing new has come since the loop asked for it.
        while (web.all.size() < 1000)
            web.io.run_one();
        CHECK(web.all.size() < 1064);
    }
    SECTION("the draining")
    {
        web.socket->drain();
        CHECK_FALSE(web.all.empty());
    }
}

TEST_CASE("a handler may end the socket, or drain it", "[notify_socket]")
{
    listener web;
    const std::string address = web.socket->address();
    for (const char* text : {"a", "b", "c"})
        REQUIRE(send_to(address, text));

    SECTION("end it in the loop")
    {
        web.then = [&] { web.socket.reset(); };
        web.turn();
        CHECK(web.all.size() == 1);
    }
    SECTION("end it while it is drained")
    {
        web.then = [&] { web.socket.reset(); };
        web.socket->drain();
        CHECK(web.all.size() == 1);
    }
    SECTION("drain it")
    {
        web.then = [&] { web.socket->drain(); };
        web.turn();
        REQUIRE(web.all.size() == 3);
        CHECK(web.all[2].text == "c");
    }
}

TEST_CASE("the file goes with the socket", "[notify_socket]")
{
    listener web;
    const std::string address = web.socket->address();
    struct stat facts {};
    REQUIRE(::stat(address.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07777) == 0666);

    SECTION("removed")
    {
        web.socket.reset();
        CHECK_FALSE(std::filesystem::exists(address));
    }
    SECTION("somebody has removed it before")
    {
        REQUIRE(::unlink(address.c_str()) == 0);
        web.socket.reset();
    }
    SECTION("another socket has taken its place, as it does that of one from earlier")
    {
        auto next = notify_socket::open(web.io, notify_address::file, web.folder.path(), "web", [](auto) {});
        REQUIRE(next);
        web.socket.reset();
        CHECK(send_to(address, "READY=1"));
    }
    SECTION("moved elsewhere")
    {
        std::optional<notify_socket> moved = std::move(web.socket);
        web.socket.reset();
        REQUIRE(send_to(address, "READY=1"));
        web.turn();
        CHECK(web.all.size() == 1);
    }
}

TEST_CASE("where no file can be", "[notify_socket]")
{
    const scratch_folder folder;
    boost::asio::io_context io;
    const auto open = [&](const std::string& below, const std::string& name) {
        return notify_socket::open(io, notify_address::file, below, name, [](auto) {});
    };
    const auto too_long = open(folder.path(), std::string(128, 'w'));
    REQUIRE(too_long);
    CHECK(too_long->address().starts_with('@'));

    folder.file("web", "precious");
    const auto taken = open(folder.path(), "web");
    REQUIRE(taken.has_error());
    CHECK(taken.error().message() ==
          "cannot make the notify socket " + (folder / "web") + ": it exists and is no socket");
    const auto no_folder = open(folder / "none", "web");
    REQUIRE(no_folder.has_error());
    CHECK(no_folder.error().message() ==
          "cannot make the notify socket " + (folder / "none/web") + ": No such file or directory");
}
