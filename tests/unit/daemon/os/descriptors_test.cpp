#include "common/unique_fd.h"
#include "daemon/os/descriptors.h"
#include "tests/support/catch.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procctl;

TEST_CASE("inherited descriptors are closed on exec", "[descriptors]")
{
    const unique_fd inherited(::open("/dev/null", O_RDONLY));
    REQUIRE(secure_inherited_descriptors().has_value());
    CHECK((::fcntl(inherited.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(2, F_GETFD) & FD_CLOEXEC) == 0);
}

TEST_CASE("a daemon started with 0, 1 and 2 closed gets them back", "[descriptors]")
{
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        for (const int fd : {0, 1, 2, 3})
            ::close(fd);
        if (!secure_inherited_descriptors()) ::_exit(1);
        for (const int fd : {0, 1, 2})
            if (::fcntl(fd, F_GETFD) != 0) ::_exit(2);
        ::_exit(::fcntl(3, F_GETFD) == -1 ? 0 : 3);
    }
    siginfo_t end{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &end, WEXITED) == 0);
    CHECK(end.si_status == 0);
}
