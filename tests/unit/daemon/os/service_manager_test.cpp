#include "daemon/os/service_manager.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::tests;

namespace {

// The service manager's end.
struct notified {
    unique_fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};

    explicit notified(const std::string& address)
    {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        std::ranges::copy(address, at.sun_path);
        if (address[0] == '@') at.sun_path[0] = '\0';
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
        REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), size) == 0);
        ::setenv("NOTIFY_SOCKET", address.c_str(), 1);
    }

    [[nodiscard]] std::string received() const
    {
        std::array<char, 256> text{};
        const auto size = ::recv(socket.get(), text.data(), text.size(), 0);
        return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    }
};

} // namespace

TEST_CASE("the service manager is told, and no child after us tells it", "[service_manager]")
{
    const scratch_folder folder;
    const bool is_abstract = GENERATE(false, true);
    const auto address = is_abstract ? "@procctl-test-" + std::to_string(::getpid()) : folder / "notify";
    const notified manager(address);
    const service_manager us;
    CHECK(us.is_present());
    CHECK(std::getenv("NOTIFY_SOCKET") == nullptr);
    us.notify("READY=1\nSTATUS=3 programs");
    CHECK(manager.received() == "READY=1\nSTATUS=3 programs");
    us.notify("STOPPING=1");
    CHECK(manager.received() == "STOPPING=1");
}

TEST_CASE("without a service manager nothing happens", "[service_manager]")
{
    // Empty, of a kind that we do not know, too long.
    const auto address = GENERATE(as<std::string>{}, "none", "", "vsock:2:1234", "/" + std::string(200, 'x'));
    CAPTURE(address);
    ::setenv("NOTIFY_SOCKET", address.c_str(), 1);
    if (address == "none") ::unsetenv("NOTIFY_SOCKET");
    const service_manager us;
    CHECK_FALSE(us.is_present());
    us.notify("READY=1");
}

TEST_CASE("a service manager that does not answer does not matter", "[service_manager]")
{
    ::setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
    const service_manager us;
    us.notify("READY=1");
    CHECK(us.is_present());
}
