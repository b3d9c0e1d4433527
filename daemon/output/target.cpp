#include "daemon/output/target.h"

#include <utility>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

namespace procctl::output {
namespace {

// Without O_APPEND, to which splice(2) is refused. O_NONBLOCK matters to FIFOs and terminals; as the leader
// of a session without a terminal we would be given the first one that we open, but for O_NOCTTY.
constexpr int open_flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr mode_t file_mode = 0640;
constexpr mode_t folder_mode = 0750;

std::uint32_t coarse_seconds()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::uint32_t>(now.tv_sec);
}

void make_folders_above(const std::string& path)
{
    // Errors show when the file is opened; a folder that exists is the usual one.
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
        ::mkdir(path.substr(0, slash).c_str(), folder_mode);
}

// /dev/stdout and its like name a descriptor that we were started with.
int inherited_descriptor(const std::string& path)
{
    if (path == "/dev/stdout" || path == "/dev/fd/1" || path == "/proc/self/fd/1") return STDOUT_FILENO;
    if (path == "/dev/stderr" || path == "/dev/fd/2" || path == "/proc/self/fd/2") return STDERR_FILENO;
    return -1;
}

target::outcome failed(int errno_value) { return {target::status::cannot_write, 0, errno_value}; }

} // namespace

std::size_t bytes_in(int pipe)
{
    int count = 0;
    return ::ioctl(pipe, FIONREAD, &count) == 0 && count > 0 ? static_cast<std::size_t>(count) : 0;
}

target::target(std::string path) : path_(std::move(path)) {}

int target::open()
{
    close();
    if (const int fd = inherited_descriptor(path_); fd >= 0) return open_inherited(fd);
    int flags = open_flags;
    bool has_made_folders = false;
    for (;;) {
        fd_.reset(::open(path_.c_str(), flags, file_mode));
        if (fd_) break;
        if (errno == EINTR) continue;
        if (errno == ENOENT && !has_made_folders) {
            make_folders_above(path_);
            has_made_folders = true;
            continue;
        }
        // A FIFO that nobody reads yet. Opened for reading as well it can be held open, and it keeps what
        // fits until a reader comes, or comes back (fifo(7)).
        if (errno == ENXIO && (flags & O_ACCMODE) == O_WRONLY) {
            flags = (flags & ~O_ACCMODE) | O_RDWR;
            continue;
        }
        // A file with the append-only attribute opens in no other way; it is then written by copying.
        if (errno == EPERM && (flags & O_APPEND) == 0) {
            flags |= O_APPEND;
            continue;
        }
        return errno;
    }
    return classify();
}

int target::open_inherited(int fd)
{
    // A description of our own, so that ours can be non-blocking and that of others stays as it is. Not to be
    // had for a socket, or for a terminal of another user; and not wanted for a file, where those who share
    // the description share its position, too.
    const std::string name = "/proc/self/fd/" + std::to_string(fd);
    struct stat now {};
    if (::fstat(fd, &now) < 0) return errno;
    if (!S_ISREG(now.st_mode)) fd_.reset(::open(name.c_str(), open_flags & ~O_CREAT));
    const bool is_shared = !fd_;
    if (is_shared) fd_.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!fd_) return errno;
    way_ = S_ISSOCK(now.st_mode)  ? way::copy_to_socket
           : S_ISREG(now.st_mode) ? way::copy
           : is_shared            ? way::copy_polled
                                  : way::splice_to_stream;
    return 0;
}

int target::classify()
{
    struct stat now {};
    if (::fstat(fd_.get(), &now) < 0) {
        const int problem = errno;
        close();
        return problem;
    }
    if (S_ISFIFO(now.st_mode) && (::fcntl(fd_.get(), F_GETFL) & O_ACCMODE) == O_WRONLY) {
        // Read and write, for the reason given in open(): the reader that is there may leave and come back.
        const std::string name = "/proc/self/fd/" + std::to_string(fd_.get());
        const int both = ::open(name.c_str(), (open_flags & ~(O_ACCMODE | O_CREAT)) | O_RDWR);
        if (both >= 0) fd_.reset(both);
    }
    if (S_ISREG(now.st_mode)) {
        dev_ = now.st_dev;
        ino_ = now.st_ino;
        position_ = static_cast<std::uint64_t>(now.st_size);
        way_ = way::splice_to_file;
        looked_at_path_ = coarse_seconds();
    } else {
        way_ = S_ISSOCK(now.st_mode) ? way::copy_to_socket : way::splice_to_stream;
    }
    return 0;
}

void target::close()
{
    fd_.reset();
    dev_ = ino_ = position_ = 0;
}

// Whether the path leads to another file by now, or to none: someone has renamed ours.
bool target::was_replaced()
{
    const std::uint32_t now = coarse_seconds();
    if (now == looked_at_path_)
        return false; // once a second at most: a look-up of a path costs as much as a write
    looked_at_path_ = now;
    struct stat there {};
    if (::stat(path_.c_str(), &there) < 0) return errno == ENOENT;
    return there.st_dev != dev_ || there.st_ino != ino_;
}

target::outcome target::take(int pipe, std::size_t most)
{
    if (!fd_)
        if (const int problem = open(); problem != 0) return {status::cannot_open, 0, problem};
    switch (way_) {
    case way::splice_to_file: return splice_to_file(pipe, most);
    case way::splice_to_stream: return splice_to_stream(pipe, most);
    case way::copy:
    case way::copy_polled:
    case way::copy_to_socket: return copy(pipe, most);
    }
    return failed(EINVAL);
}

target::outcome target::splice_to_file(int pipe, std::size_t most)
{
    struct stat now {};
    if (::fstat(fd_.get(), &now) < 0) return failed(errno);
    if (now.st_nlink == 0) {
        if (const int problem = open(); problem != 0) return {status::cannot_open, 0, problem};
        return take(pipe, most);
    }
    if (was_replaced()) {
        // While the new one cannot be opened the old one, which has a name somewhere, goes on taking it.
        target next(path_);
        if (next.open() == 0) {
            *this = std::move(next);
            return take(pipe, most);
        }
    }
    // Always at the end, wherever that is: a file truncated by others leaves no hole, and two streams that
    // share a file, or a stranger who appends to it, lose nothing to each other.
    loff_t end = now.st_size;
    ssize_t moved = 0;
    do
        moved = ::splice(pipe, nullptr, fd_.get(), &end, most, SPLICE_F_NONBLOCK);
    while (moved < 0 && errno == EINTR);
    if (moved > 0) {
        position_ = static_cast<std::uint64_t>(end);
        return {status::moved, static_cast<std::size_t>(moved), 0};
    }
    if (moved == 0) return {status::pipe_ended, 0, 0};
    if (errno == EAGAIN) return {status::pipe_empty, 0, 0};
    if (errno != EINVAL) return failed(errno);
    // Opened to append, or a file system without splice: write(2) at the end, then.
    const int flags = ::fcntl(fd_.get(), F_GETFL);
    if (flags < 0 || ::fcntl(fd_.get(), F_SETFL, flags | O_APPEND) < 0) return failed(errno);
    way_ = way::copy;
    return copy(pipe, most);
}

target::outcome target::splice_to_stream(int pipe, std::size_t most)
{
    ssize_t moved = 0;
    do
        moved = ::splice(pipe, nullptr, fd_.get(), nullptr, most, SPLICE_F_NONBLOCK);
    while (moved < 0 && errno == EINTR);
    if (moved > 0) return {status::moved, static_cast<std::size_t>(moved), 0};
    if (moved == 0) return {status::pipe_ended, 0, 0};
    if (errno == EAGAIN) return {bytes_in(pipe) == 0 ? status::pipe_empty : status::target_full, 0, 0};
    if (errno != EINVAL) return failed(errno);
    way_ = way::copy;
    return copy(pipe, most);
}

target::outcome target::copy(int pipe, std::size_t most)
{
    char bytes[copy_size];
    std::size_t moved = 0;
    while (moved < most) {
        if (held_.empty()) {
            const ssize_t got = ::read(pipe, bytes, sizeof bytes);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) {
                if (moved > 0) break;
                if (got == 0) return {status::pipe_ended, 0, 0};
                return errno == EAGAIN ? outcome{status::pipe_empty, 0, 0} : failed(errno);
            }
            held_.assign(bytes, static_cast<std::size_t>(got));
        }
        const outcome one = write_held();
        if (one.what == status::moved) {
            moved += one.bytes;
            continue;
        }
        if (moved > 0) break; // told on the next call
        return one;
    }
    return {status::moved, moved, 0};
}

target::outcome target::write_held()
{
    if (way_ == way::copy_polled) {
        pollfd writable{fd_.get(), POLLOUT, 0};
        if (::poll(&writable, 1, 0) == 0) return {status::target_full, 0, 0};
    }
    const ssize_t written = way_ == way::copy_to_socket
                                ? ::send(fd_.get(), held_.data(), held_.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                : ::write(fd_.get(), held_.data(), held_.size());
    if (written < 0) {
        if (errno == EAGAIN || errno == EINTR) return {status::target_full, 0, 0};
        return failed(errno);
    }
    if (static_cast<std::size_t>(written) == held_.size())
        held_ = {};
    else
        held_.erase(0, static_cast<std::size_t>(written));
    if (dev_ != 0) position_ += static_cast<std::uint64_t>(written);
    return {status::moved, static_cast<std::size_t>(written), 0};
}

} // namespace procctl::output
