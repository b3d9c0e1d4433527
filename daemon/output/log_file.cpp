#include "daemon/output/log_file.h"

#include "daemon/os/safe_open.h"

#include <errno.h>
#include <unistd.h>

namespace procctl::output {
namespace {

constexpr mode_t folder_mode = 0750;

void make_folders_above(const std::string& path)
{
    // Errors show when the file is opened; a folder that exists is the usual one.
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
        ::mkdir(path.substr(0, slash).c_str(), folder_mode);
}

// Returns 0 or an errno. The mode is set after the owner: the file's mode was cut by the umask, and chown(2)
// may take bits away.
int set_owner(int fd, uid_t uid, gid_t gid, mode_t mode)
{
    int problem = 0;
    if ((uid != file_settings::nobody_else || gid != file_settings::nobody_else) &&
        ::fchown(fd, uid, gid) < 0)
        problem = errno;
    if (::fchmod(fd, mode) < 0) problem = errno;
    return problem;
}

wall_time time_of(std::int64_t seconds, std::uint32_t nanoseconds)
{
    return wall_time(std::chrono::seconds(seconds) + std::chrono::microseconds(nanoseconds / 1000));
}

} // namespace

file_settings file_settings_of(const stream_settings& s)
{
    return {.max_size = s.max_size,
            .max_total_size = s.max_total_size,
            .max_age = s.max_age,
            .keep = s.keep,
            .mode = s.mode,
            .uid = s.uid,
            .gid = s.gid};
}

opened_log open_log(const std::string& path, const file_settings& settings)
{
    int flags = log_open_flags | O_CREAT;
    bool has_made_folders = false;
    for (;;) {
        safely_opened file = open_safely(path, flags, settings.mode);
        opened_log out{.fd = std::move(file.fd), .errno_value = file.errno_value};
        if (file.is_new) out.own_errno = set_owner(out.fd.get(), settings.uid, settings.gid, settings.mode);
        if (out.fd) return out;
        if (out.errno_value == EINTR) continue;
        if (out.errno_value == ENOENT && !has_made_folders) {
            make_folders_above(path);
            has_made_folders = true;
            continue;
        }
        // A FIFO that nobody reads yet. Opened for reading as well it can be held open, and it keeps what
        // fits until a reader comes, or comes back (fifo(7)).
        if (out.errno_value == ENXIO && (flags & O_ACCMODE) == O_WRONLY) {
            flags = (flags & ~O_ACCMODE) | O_RDWR;
            continue;
        }
        // A file with the append-only attribute opens in no other way; it is then written by copying.
        if (out.errno_value == EPERM && (flags & O_APPEND) == 0) {
            flags |= O_APPEND;
            continue;
        }
        return out;
    }
}

opened_log make_log_like(const std::string& path, const struct stat& like)
{
    const mode_t mode = like.st_mode & 07777U;
    opened_log out{.fd = unique_fd(::open(path.c_str(), log_open_flags | O_CREAT | O_EXCL, mode))};
    struct stat made {};
    if (!out.fd || ::fstat(out.fd.get(), &made) < 0) {
        out.errno_value = errno;
        out.fd.reset();
        return out;
    }
    const bool is_owned = made.st_uid == like.st_uid && made.st_gid == like.st_gid;
    out.own_errno = set_owner(out.fd.get(), is_owned ? file_settings::nobody_else : like.st_uid,
                              is_owned ? file_settings::nobody_else : like.st_gid, mode);
    return out;
}

unique_fd open_to_read(int fd)
{
    const std::string name = "/proc/self/fd/" + std::to_string(fd);
    return unique_fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

std::size_t read_at(int fd, char* to, std::size_t size, std::uint64_t offset)
{
    std::size_t done = 0;
    errno = 0;
    while (done < size) {
        const ssize_t got = ::pread(fd, to + done, size - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

std::size_t write_at(int fd, const char* from, std::size_t size, std::uint64_t offset)
{
    std::size_t done = 0;
    errno = 0;
    while (done < size) {
        const ssize_t put = ::pwrite(fd, from + done, size - done, static_cast<off_t>(offset + done));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) break;
        done += static_cast<std::size_t>(put);
    }
    return done;
}

wall_time begin_of(int fd)
{
    struct statx what {};
    if (::statx(fd, "", AT_EMPTY_PATH, STATX_BTIME | STATX_MTIME, &what) < 0) return {};
    const auto& known = (what.stx_mask & STATX_BTIME) != 0 ? what.stx_btime : what.stx_mtime;
    return time_of(known.tv_sec, known.tv_nsec);
}

} // namespace procctl::output
