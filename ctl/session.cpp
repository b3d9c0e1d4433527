#include "ctl/session.h"

#include "common/protocol.h"

#include <ostream>

#include <errno.h>

namespace procctl::ctl {
namespace {

// What was being passed on has stopped in the middle.
int broken_off(session& s)
{
    const bool is_there = s.daemon.request("GET", "/v1/version", {}).has_value();
    s.err << (is_there ? "procctl: the daemon has broken off its reply; it may be about to end\n"
                       : "procctl: the daemon has ended\n");
    return exit_unreachable;
}

} // namespace

asked ask(session& s, std::string_view method, std::string_view target, std::string_view body)
{
    auto reply = s.daemon.request(method, target, body);
    if (!reply) return {{}, unreachable(s, reply.error())};
    return {std::move(*reply), {}};
}

int unreachable(session& s, const error& why)
{
    s.err << "procctl: " << why.message() << '\n';
    if (why.code == std::errc::permission_denied) {
        s.err << "The socket's mode and group say who may: add yourself to group procctl (`sudo usermod -aG "
                 "procctl "
                 "$USER`, then log in again), or use sudo.\n";
        return exit_forbidden;
    }
    for (const std::string& path : s.looked_for)
        s.err << "There is no socket at " << path << " either.\n";
    s.err << "Is the daemon running? `systemctl start procctld` starts the system's, `procctld --user` your "
             "own; "
             "--socket or $PROCCTL_SOCKET names another socket.\n";
    return exit_unreachable;
}

int refused(session& s, const api_reply& reply)
{
    const auto why = protocol::error_reply_from_json(reply.body);
    if (s.opts.json())
        s.out << reply.body;
    else if (why)
        s.err << "procctl: " << printable(why->message) << '\n';
    else
        s.err << "procctl: the daemon answered with HTTP status " << reply.status << '\n';
    if (reply.status == 403) return exit_forbidden;
    if (why && why->kind == "no-such-program") return exit_unknown;
    if (why && why->kind == "bad-request") return exit_usage;
    return exit_failed;
}

int not_understood(session& s, const error& why)
{
    s.err << "procctl: cannot understand the daemon's reply: " << why.message() << '\n';
    return exit_failed;
}

int pass_on(session& s, const std::string& target)
{
    const auto reply = s.daemon.stream(
        target, [&](std::string_view piece) { s.out << piece << std::flush; }, infinity);
    if (!reply) return unreachable(s, reply.error());
    if (reply->status == 200) return reply->is_complete ? exit_done : broken_off(s);
    return refused(s, *reply);
}

std::string encoded(std::string_view text)
{
    static constexpr std::string_view plain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@*";
    static constexpr std::string_view hex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (plain.find(c) != std::string_view::npos)
            out += c;
        else
            out += {'%', hex[byte >> 4U], hex[byte & 15U]};
    }
    return out;
}

} // namespace procctl::ctl
