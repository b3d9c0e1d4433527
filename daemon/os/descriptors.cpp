#include "daemon/os/descriptors.h"

#include "common/unique_fd.h"

#include <cerrno>
#include <cstdlib>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace procctl {
namespace {

std::optional<descriptor_limit> original;

result<void> mark_each_close_on_exec()
{
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), ::closedir);
    if (!folder) return last_error("cannot open /proc/self/fd");
    while (const auto* entry = ::readdir(folder.get())) {
        const int fd = std::atoi(entry->d_name); // 0 for "." and ".."
        if (fd >= 3 && ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            return last_error("cannot mark an inherited descriptor close-on-exec");
    }
    return {};
}

} // namespace

result<void> secure_inherited_descriptors()
{
    for (int fd = 0; fd < 3;) { // open takes the lowest number that is free, and programs inherit these
        fd = ::open("/dev/null", O_RDWR);
        if (fd < 0) return last_error("cannot open /dev/null");
        if (fd >= 3) ::close(fd);
    }

    if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return {};
    return mark_each_close_on_exec(); // kernels before 5.11, and filters
}

result<void> raise_descriptor_limit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return last_error("cannot read RLIMIT_NOFILE");
    if (limit.rlim_cur == limit.rlim_max) return {};
    const descriptor_limit before{limit.rlim_cur, limit.rlim_max};
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return last_error("cannot raise RLIMIT_NOFILE");
    original = before;
    return {};
}

std::optional<descriptor_limit> original_descriptor_limit() { return original; }

} // namespace procctl
