#include "daemon/os/unix_listener.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::tests;

namespace {

bool can_connect(const std::string& path)
{
    const unique_fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

struct stat facts_of(const std::string& path)
{
    struct stat facts {};
    REQUIRE(::lstat(path.c_str(), &facts) == 0);
    return facts;
}

std::string refused(const std::string& path)
{
    const auto made = listen_on(path, 0600, {});
    REQUIRE(made.has_error());
    return made.error().message();
}

} // namespace

TEST_CASE("a socket is there with its rights, and answers", "[unix_listener]")
{
    const scratch_folder folder;
    const auto path = folder / "run/procctl/procctl.sock"; // the folders are made
    const auto mask = ::umask(0077);                       // makes no difference
    const auto group = ::geteuid() == 0 ? std::optional<gid_t>(4711) : std::nullopt;
    const auto listener = listen_on(path, 0660, group);
    ::umask(mask);
    REQUIRE(listener.has_value());
    CHECK((facts_of(path).st_mode & 07777) == 0660);
    if (group) CHECK(facts_of(path).st_gid == *group);
    CHECK((::fcntl(listener->get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(listener->get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK(can_connect(path));
}

TEST_CASE("the umask is as it was", "[unix_listener]")
{
    const scratch_folder folder;
    const auto before = ::umask(0027);
    const auto listener = listen_on(folder / "socket", 0600, {});
    CHECK(::umask(before) == 0027);
}

TEST_CASE("a stale socket is replaced", "[unix_listener]")
{
    const scratch_folder folder;
    const auto path = folder / "socket";
    REQUIRE(listen_on(path, 0600, {}).has_value()); // closed at once; its file stays
    REQUIRE_FALSE(can_connect(path));
    const auto listener = listen_on(path, 0600, {});
    REQUIRE(listener.has_value());
    CHECK(can_connect(path));
}

TEST_CASE("a live socket stays", "[unix_listener]")
{
    const scratch_folder folder;
    const auto path = folder / "socket";
    const auto listener = listen_on(path, 0600, {});
    CHECK(refused(path) == "cannot listen on " + path + ": another process listens there");
    CHECK(can_connect(path));
}

TEST_CASE("what is no socket stays", "[unix_listener]")
{
    const scratch_folder folder;
    const auto path = folder.file("socket", "precious");
    CHECK(refused(path) == "cannot listen on " + path + ": it exists and is no socket");
    std::string text;
    std::ifstream(path) >> text;
    CHECK(text == "precious");
}

TEST_CASE("a path that does not fit says so", "[unix_listener]")
{
    const scratch_folder folder;
    const auto fill = [&](std::size_t size) {
        return folder / std::string(size - folder.path().size() - 1, 'x');
    };
    CHECK(listen_on(fill(107), 0600, {}).has_value());
    CHECK(refused(fill(108)) ==
          "cannot listen on " + fill(108) + ": a socket's path has 1 to 107 bytes, this one has 108");
}
