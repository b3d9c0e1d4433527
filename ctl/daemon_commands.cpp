#include "common/protocol.h"
#include "ctl/handlers.h"
#include "ctl/render.h"

#include <ostream>

#include <errno.h>
#include <poll.h>

namespace procctl::ctl {
namespace {

// The process that answers; 0 when none does.
std::int64_t daemon_pid(session& s)
{
    const auto reply = s.daemon.request("GET", "/v1/daemon", {});
    if (!reply || reply->status != 200) return 0;
    const auto status = protocol::daemon_status_from_json(reply->body);
    return status ? status->pid : 0;
}

// A pidfd becomes readable when its process ends.
void wait_until_ended(const unique_fd& process)
{
    pollfd end{.fd = process.get(), .events = POLLIN, .revents = 0};
    while (::poll(&end, 1, -1) < 0 && errno == EINTR) {
    }
}

// What can be seen at the socket alone. The daemon also closes a connection that is idle for long; and
// another may be started in its place.
void wait_until_gone(session& s, std::int64_t pid)
{
    do
        s.daemon.wait_until_closed();
    while (pid != 0 && daemon_pid(s) == pid);
}

} // namespace

int run_daemon_status(session& s)
{
    const asked answer = ask(s, "GET", "/v1/daemon");
    if (answer.failed) return *answer.failed;
    if (answer.reply.status != 200) return refused(s, answer.reply);
    const auto status = protocol::daemon_status_from_json(answer.reply.body);
    if (!status) return not_understood(s, status.error());
    s.out << (s.opts.json() ? answer.reply.body : render_daemon(*status, s.how));
    return exit_done;
}

int run_daemon_shutdown(session& s)
{
    const std::int64_t pid = daemon_pid(s);
    const unique_fd process = pid != 0 ? s.daemon.process(pid) : unique_fd();
    const asked answer = ask(s, "POST", "/v1/daemon/shutdown");
    if (answer.failed) return *answer.failed;
    if (answer.reply.status != 200) return refused(s, answer.reply);
    if (!s.opts.no_wait) {
        if (process)
            wait_until_ended(process);
        else
            wait_until_gone(s, pid);
    }
    if (s.opts.json())
        s.out << answer.reply.body;
    else
        s.out << (s.opts.no_wait ? "the daemon is shutting down\n" : "the daemon has ended\n");
    return exit_done;
}

// Answers also without a daemon: whoever asks for a version often has a reason to.
int run_version(session& s)
{
    const auto reply = s.daemon.request("GET", "/v1/version", {});
    std::string daemon;
    if (reply && reply->status == 200)
        if (const auto version = protocol::version_reply_from_json(reply->body)) daemon = version->version;
    if (s.opts.json())
        s.out << to_json(protocol::properties{
                     {"procctl", protocol::json_text(PROCCTL_VERSION)},
                     {"procctld", daemon.empty() ? "null" : protocol::json_text(daemon)}})
              << '\n';
    else
        s.out << "procctl " PROCCTL_VERSION "\n"
              << (daemon.empty() ? "procctld: none answers at " + s.daemon.socket()
                                 : "procctld " + printable(daemon))
              << '\n';
    return exit_done;
}

} // namespace procctl::ctl
