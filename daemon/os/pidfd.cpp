#include "daemon/os/pidfd.h"

#include "daemon/os/process_info.h"

#include <cstdint>
#include <optional>
#include <string>

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace procctl {
namespace {

// <linux/pidfd.h> of Linux 6.15, which this may be built without. The size is part of the request's number;
// newer kernels, whose struct is longer, take the shorter one too.
struct pidfd_info {
    std::uint64_t mask = 0;
    std::uint64_t cgroup_id = 0;
    std::uint32_t ids[11] = {}; // NOLINT(modernize-avoid-c-arrays): pid, tgid, ppid, and the users
    std::int32_t exit_code = 0;
};
static_assert(sizeof(pidfd_info) == 64);
constexpr unsigned long get_info = _IOWR(0xFF, 11, pidfd_info);
constexpr std::uint64_t exit_is_known = 1U << 3U;

// Kernels before 6.15 know nothing of it: ENOTTY, EINVAL or, once it is reaped, ESRCH.
std::optional<int> remembered_status(int pidfd)
{
    pidfd_info info;
    info.mask = exit_is_known;
    if (::ioctl(pidfd, get_info, &info) != 0 || (info.mask & exit_is_known) == 0) return std::nullopt;
    return info.exit_code;
}

// A status of 0 is also what those see who may not know.
bool may_know_status(pid_t pid)
{
    struct stat process {};
    return ::geteuid() == 0 ||
           (::stat(("/proc/" + std::to_string(pid)).c_str(), &process) == 0 && process.st_uid == ::geteuid());
}

} // namespace

unique_fd open_pidfd(pid_t pid) { return unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

int send_signal(int pidfd, int signal)
{
    return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0 ? 0 : errno;
}

bool has_ended(int pidfd)
{
    pollfd wanted{pidfd, POLLIN, 0};
    return ::poll(&wanted, 1, 0) == 1 && (wanted.revents & (POLLIN | POLLHUP)) != 0;
}

process_end end_of_wait_status(int status)
{
    if (WIFEXITED(status)) return {exit_code_kind::exited, WEXITSTATUS(status)};
    if (!WIFSIGNALED(status)) return {};
    return {WCOREDUMP(status) ? exit_code_kind::dumped : exit_code_kind::killed, WTERMSIG(status)};
}

process_end end_of_alien(int pidfd, pid_t pid)
{
    // A zombie has its status in /proc, and the kernel remembers that of one that is reaped: between them
    // there is no gap. That the pidfd still answers says whose /proc/PID it was.
    const auto info = read_process(pid);
    if (info && info->has_ended() && (info->wait_status != 0 || may_know_status(pid)) &&
        send_signal(pidfd, 0) != ESRCH)
        return end_of_wait_status(info->wait_status);
    if (const auto status = remembered_status(pidfd)) return end_of_wait_status(*status);
    return {};
}

} // namespace procctl
