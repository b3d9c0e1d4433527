#include "daemon/os/foreign_descriptors.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace procctl {
namespace {

// A pipe, or a socket of a kind that lingers for nobody.
bool is_harmless(int fd)
{
    struct stat facts {};
    if (!look_at_descriptor(fd, facts)) return false;
    if (S_ISFIFO(facts.st_mode)) return true;
    int domain = 0;
    socklen_t size = sizeof domain;
    return S_ISSOCK(facts.st_mode) && ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
           domain == AF_UNIX;
}

} // namespace

bool look_at_descriptor(int fd, struct stat& facts)
{
    struct statx known {};
    if (::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &known) != 0)
        return false;
    facts = {};
    facts.st_mode = known.stx_mode;
    facts.st_ino = known.stx_ino;
    facts.st_dev = makedev(known.stx_dev_major, known.stx_dev_minor);
    return true;
}

void close_elsewhere(std::vector<unique_fd> all)
{
    std::erase_if(all, [](const unique_fd& fd) { return !fd || is_harmless(fd.get()); });
    close_in_child(std::move(all));
}

void close_in_child(std::vector<unique_fd> all)
{
    if (all.empty()) return;
    // The reaper finds it as a child that nobody watches.
    const long child = ::syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, 0);
    if (child == 0) {
        for (const unique_fd& fd : all)
            ::syscall(SYS_close, fd.get());
        for (;;)
            ::syscall(SYS_exit_group, 0);
    }
    if (child < 0) return; // no process to be had: they are closed here after all
    for (unique_fd& fd : all)
        (void)fd.release();
}

} // namespace procctl
