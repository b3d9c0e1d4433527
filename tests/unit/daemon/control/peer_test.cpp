#include "common/unique_fd.h"
#include "daemon/control/peer.h"
#include "tests/support/catch.h"

#include <sys/socket.h>

using namespace procctl;

TEST_CASE("root and the daemon's own user may everything", "[peer]")
{
    const access_rules closed{.own_uid = 1000, .others = access::none};
    CHECK(may(closed, {.uid = 0}, access::control));
    CHECK(may(closed, {.uid = 1000}, access::control));
    CHECK(!may(closed, {.uid = 1001}, access::read));
    CHECK(!is_administrator({.own_uid = 1000, .others = access::control}, {.uid = 1001}));
}

TEST_CASE("others may what the rules leave them", "[peer]")
{
    const requester other{.uid = 1001};
    CHECK(may({.own_uid = 1000}, other, access::control));
    const access_rules read_only{.own_uid = 1000, .others = access::read};
    CHECK(may(read_only, other, access::read));
    CHECK(!may(read_only, other, access::control));
}

TEST_CASE("the kernel says who has connected", "[peer]")
{
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    const unique_fd ours(fds[0]);
    const unique_fd theirs(fds[1]);
    const auto who = peer_of(ours.get());
    REQUIRE(who);
    CHECK(who->uid == ::getuid());
    CHECK(who->pid == ::getpid());
    CHECK(peer_of(-1).has_error());
}
