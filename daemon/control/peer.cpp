#include "daemon/control/peer.h"

#include <sys/socket.h>

namespace procctl {

result<requester> peer_of(int connection)
{
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return last_error("cannot tell who has connected to the control socket");
    return requester{.uid = who.uid, .pid = who.pid};
}

bool is_administrator(const access_rules& rules, const requester& who)
{
    return who.uid == 0 || who.uid == rules.own_uid;
}

bool may(const access_rules& rules, const requester& who, access wanted)
{
    return is_administrator(rules, who) || wanted <= rules.others;
}

} // namespace procctl
