#include "daemon/output/target.h"

#include "common/log_names.h"
#include "daemon/output/log_file.h"
#include "daemon/output/rotation.h"

#include <algorithm>
#include <utility>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procctl::output {
namespace {

using std::chrono::seconds;

// After a rotation that failed: the first pause, and the longest.
constexpr duration first_pause = seconds(1);
constexpr duration longest_pause = seconds(60);
// What is written before it is tried again to remove files that could not be removed.
constexpr std::uint64_t prune_step = 1U << 20U;

// /dev/stdout and its like name a descriptor that we were started with.
int inherited_descriptor(const std::string& path)
{
    if (path == "/dev/stdout" || path == "/dev/fd/1" || path == "/proc/self/fd/1") return STDOUT_FILENO;
    if (path == "/dev/stderr" || path == "/dev/fd/2" || path == "/proc/self/fd/2") return STDERR_FILENO;
    return -1;
}

// a - b, but nothing below zero.
std::uint64_t without(std::uint64_t a, std::uint64_t b) { return a - std::min(a, b); }

std::int64_t seconds_of(wall_time t)
{
    return std::chrono::duration_cast<seconds>(t.time_since_epoch()).count();
}

outcome failed(int errno_value) { return {outcome::status::cannot_write, 0, errno_value}; }
outcome cannot_open(int errno_value) { return {outcome::status::cannot_open, 0, errno_value}; }

} // namespace

std::size_t bytes_in(int pipe)
{
    int count = 0;
    return ::ioctl(pipe, FIONREAD, &count) == 0 && count > 0 ? static_cast<std::size_t>(count) : 0;
}

target::target(std::string path, file_settings settings) : path_(std::move(path)), settings_(settings) {}

void target::use_settings(const file_settings& settings)
{
    if (settings == settings_) return;
    settings_ = settings;
    prunes_at_ = settings.max_total_size == unlimited_size ? UINT64_MAX : 0; // not known yet
}

// --- Opening

int target::open()
{
    close();
    opened next;
    if (const int problem = open_path(next); problem != 0) return problem;
    replace(std::move(next));
    return 0;
}

void target::close() { file_ = {}; }

int target::reopen()
{
    if (!file_.fd) return open();
    if (inherited_descriptor(path_) >= 0) return 0;
    struct stat there {
    }, ours{};
    if (::stat(path_.c_str(), &there) == 0 && ::fstat(file_.fd.get(), &ours) == 0 &&
        there.st_dev == ours.st_dev && there.st_ino == ours.st_ino)
        return 0;
    opened next;
    if (const int problem = open_path(next); problem != 0) return problem;
    replace(std::move(next));
    return 0;
}

void target::replace(opened&& next)
{
    file_ = std::move(next);
    prunes_at_ = settings_.max_total_size == unlimited_size ? UINT64_MAX : 0; // not known yet
}

int target::open_path(opened& out)
{
    if (const int fd = inherited_descriptor(path_); fd >= 0) return open_inherited(fd, out);
    recover_rotation(path_);
    opened_log log = open_log(path_, settings_);
    if (!log.fd) return log.errno_value;
    if (log.own_errno != 0) notices_.push_back({notice_kind::cannot_own, log.own_errno, path_});
    out.fd = std::move(log.fd);
    return classify(out);
}

int target::open_inherited(int fd, opened& out)
{
    // A description of our own, so that ours can be non-blocking and that of others stays as it is. Not to be
    // had for a socket, or for a terminal of another user; and not wanted for a file, where those who share
    // the description share its position, too.
    const std::string name = "/proc/self/fd/" + std::to_string(fd);
    struct stat now {};
    if (::fstat(fd, &now) < 0) return errno;
    if (!S_ISREG(now.st_mode)) out.fd.reset(::open(name.c_str(), log_open_flags));
    const bool is_shared = !out.fd;
    if (is_shared) out.fd.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!out.fd) return errno;
    out.how = S_ISSOCK(now.st_mode)  ? way::copy_to_socket
              : S_ISREG(now.st_mode) ? way::copy
              : is_shared            ? way::copy_polled
                                     : way::splice_to_stream;
    return 0;
}

int target::classify(opened& out)
{
    struct stat now {};
    if (::fstat(out.fd.get(), &now) < 0) return errno;
    if (S_ISFIFO(now.st_mode) && (::fcntl(out.fd.get(), F_GETFL) & O_ACCMODE) == O_WRONLY) {
        // Read and write, for the reason given in open_log(): the reader that is there may leave and come
        // back.
        const std::string name = "/proc/self/fd/" + std::to_string(out.fd.get());
        const int both = ::open(name.c_str(), (log_open_flags & ~O_ACCMODE) | O_RDWR);
        if (both >= 0) out.fd.reset(both);
    }
    if (S_ISREG(now.st_mode)) {
        out.dev = now.st_dev;
        out.ino = now.st_ino;
        out.position = static_cast<std::uint64_t>(now.st_size);
        out.begun = begin_of(out.fd.get());
        out.how = way::splice_to_file;
    } else {
        out.how = S_ISSOCK(now.st_mode) ? way::copy_to_socket : way::splice_to_stream;
    }
    return 0;
}

// Whether the path leads to another file by now, or to none: someone has renamed ours.
bool target::is_replaced(wall_time now)
{
    if (seconds_of(now) == looked_at_path_)
        return false; // once a second at most: a look-up of a path costs as much as a write
    looked_at_path_ = seconds_of(now);
    struct stat there {};
    if (::stat(path_.c_str(), &there) < 0) return errno == ENOENT;
    return there.st_dev != file_.dev || there.st_ino != file_.ino;
}

// Always at the end, wherever that is: a file truncated by others leaves no hole, and two streams that share
// a file, or a stranger who appends to it, lose nothing to each other. Returns 0 or an errno.
int target::find_end(wall_time now)
{
    struct stat what {};
    if (::fstat(file_.fd.get(), &what) < 0) return errno;
    file_.position = static_cast<std::uint64_t>(what.st_size);
    const bool is_deleted = what.st_nlink == 0;
    if (!is_deleted && !is_replaced(now)) return 0;
    // While the new one cannot be opened an old one that has a name somewhere goes on taking it.
    opened next;
    if (const int problem = open_path(next); problem != 0) return is_deleted ? problem : 0;
    replace(std::move(next));
    notices_.push_back({notice_kind::recreated, 0, path_});
    return 0;
}

// --- Limits

std::uint64_t target::largest_size() const
{
    // All of them together are limited: then something is to be left when the oldest goes.
    const std::uint64_t half =
        settings_.max_total_size == unlimited_size ? unlimited_size : settings_.max_total_size / 2;
    return std::max(std::min(settings_.max_size, half), std::uint64_t{1});
}

// A file is as old as the first byte in it. One from the future: the clock was wrong then.
void target::note_begin(wall_time now)
{
    if (file_.begun == wall_time{} || file_.position == 0 || file_.begun > now) file_.begun = now;
}

bool target::is_old(wall_time now) const { return now - file_.begun >= settings_.max_age; }

// Before `more` bytes are written.
void target::keep_limits(std::uint64_t more, wall_time now)
{
    const bool is_large = more > without(largest_size(), file_.position);
    // A pause that is longer than any: the clock was set back.
    const bool may_try = now >= retries_at_ || retries_at_ - now > longest_pause;
    if (file_.position > 0 && (is_old(now) || is_large) && may_try)
        static_cast<void>(rotate_file_now(now)); // it has told what is wrong; the file is written on
    if (file_.position + more > prunes_at_) prune(more);
}

// How much of `most` is moved now.
std::size_t target::room_for(int pipe, std::size_t most, wall_time now)
{
    note_begin(now);
    if (!is_old(now) && most <= without(std::min(largest_size(), prunes_at_), file_.position)) return most;
    const std::size_t waiting = std::min(most, bytes_in(pipe) + held_.size());
    if (waiting == 0) return most;
    // The file is filled first, and rotated when it is full: the beginning of a line moves on with the rest.
    std::uint64_t room = without(largest_size(), file_.position);
    keep_limits(room == 0 ? waiting : std::min<std::uint64_t>(waiting, room), now);
    room = without(largest_size(), file_.position);
    return room == 0 ? most : static_cast<std::size_t>(std::min<std::uint64_t>(most, room));
}

void target::prune(std::uint64_t more)
{
    const std::uint64_t goal = file_.position + more;
    const rotated_files left = prune_rotated(path_, settings_.keep, without(settings_.max_total_size, goal));
    const bool is_enough = left.errno_value == 0 && left.bytes <= without(settings_.max_total_size, goal);
    prunes_at_ = is_enough ? settings_.max_total_size - left.bytes : goal + prune_step;
}

// --- Rotation

int target::rotate(wall_time now)
{
    if (!file_.fd)
        if (const int problem = open(); problem != 0) return problem;
    if (!is_file()) return ENOTSUP;
    if (const int problem = find_end(now); problem != 0) return problem;
    if (!is_file()) return ENOTSUP;
    if (file_.position == 0) {
        file_.begun = now;
        return 0;
    }
    return rotate_file_now(now);
}

int target::rotate_file_now(wall_time now)
{
    rotation done = rotate_file(path_, file_.fd.get(), settings_, last_number_);
    // Moved away by others, and not noticed yet.
    if (done.errno_value == ESTALE || done.errno_value == ENOENT) {
        opened next;
        if (const int problem = open_path(next); problem != 0) {
            note_rotation_failure(problem, now);
            return problem;
        }
        replace(std::move(next));
        notices_.push_back({notice_kind::recreated, 0, path_});
        if (!is_file()) return ENOTSUP;
        if (file_.position == 0) return 0;
        done = rotate_file(path_, file_.fd.get(), settings_, last_number_);
    }
    struct stat what {};
    if (done.errno_value == 0 && ::fstat(done.fd.get(), &what) < 0) done.errno_value = errno;
    if (done.errno_value != 0) {
        note_rotation_failure(done.errno_value, now);
        return done.errno_value;
    }
    file_ = {.fd = std::move(done.fd),
             .dev = what.st_dev,
             .ino = what.st_ino,
             .position = done.tail,
             .begun = now,
             .how = way::splice_to_file};
    last_number_ = done.number;
    retry_pause_ = {};
    retries_at_ = {};
    if (settings_.max_total_size != unlimited_size)
        prunes_at_ = without(settings_.max_total_size, done.bytes);
    const std::string rotated = rotated_name(path_, done.number);
    if (done.tail > 0) marks_.follow(path_, rotated, file_.ino, done.cut);
    if (settings_.keep > 0) notices_.push_back({notice_kind::rotated, 0, rotated});
    if (done.own_errno != 0) notices_.push_back({notice_kind::cannot_own, done.own_errno, path_});
    return 0;
}

void target::note_rotation_failure(int errno_value, wall_time now)
{
    if (retry_pause_ == duration{}) notices_.push_back({notice_kind::cannot_rotate, errno_value, path_});
    retry_pause_ = std::clamp(2 * retry_pause_, first_pause, longest_pause);
    retries_at_ = now + retry_pause_;
}

wall_time target::rotates_at() const
{
    const bool is_known = is_file() && file_.begun != wall_time{};
    if (!is_known || settings_.max_age > wall_time::max() - file_.begun) return wall_time::max();
    return std::max(file_.begun + settings_.max_age, retries_at_);
}

std::vector<target::happening> target::take_notices() { return std::exchange(notices_, {}); }

std::string target::tail(std::size_t most) const
{
    const auto end_of = [](int fd, std::uint64_t size, std::size_t at_most) {
        std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(size, at_most)), '\0');
        bytes.resize(read_at(fd, bytes.data(), bytes.size(), size - bytes.size()));
        return bytes;
    };
    if (!is_file()) return {};
    const unique_fd file = open_to_read(file_.fd.get());
    if (!file) return {};
    std::string bytes = end_of(file.get(), file_.position, most);
    if (bytes.size() == most || last_number_ == 0) return bytes;
    const unique_fd before(
        ::open(rotated_name(path_, last_number_).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat what {};
    if (!before || ::fstat(before.get(), &what) < 0 || !S_ISREG(what.st_mode)) return bytes;
    return end_of(before.get(), static_cast<std::uint64_t>(what.st_size), most - bytes.size()) + bytes;
}

// --- Moving

outcome target::take(int pipe, std::size_t most, wall_time now)
{
    if (!file_.fd)
        if (const int problem = open(); problem != 0) return cannot_open(problem);
    if (is_file())
        if (const int problem = find_end(now); problem != 0) return cannot_open(problem);
    if (is_file()) most = room_for(pipe, most, now);
    const std::uint64_t begin = file_.position;
    outcome out;
    switch (file_.how) {
    case way::splice_to_file: out = splice_to_file(pipe, most); break;
    case way::splice_to_stream: out = splice_to_stream(pipe, most); break;
    case way::copy:
    case way::copy_polled:
    case way::copy_to_socket: out = copy(pipe, most); break;
    }
    if (is_file() && out.bytes > 0) marks_.note(path_, file_.ino, begin, now);
    return out;
}

outcome target::put(std::string_view bytes, wall_time now)
{
    if (!file_.fd)
        if (const int problem = open(); problem != 0) return cannot_open(problem);
    if (is_file())
        if (const int problem = find_end(now); problem != 0) return cannot_open(problem);
    while (!held_.empty())
        if (const outcome before = write_held(); before.what != outcome::status::moved) return before;
    if (bytes.empty()) return {};
    if (is_file()) {
        note_begin(now);
        keep_limits(bytes.size(), now);
    }
    const std::uint64_t begin = file_.position;
    const outcome out = write(bytes);
    if (is_file() && out.bytes > 0) marks_.note(path_, file_.ino, begin, now);
    return out;
}

outcome target::splice_to_file(int pipe, std::size_t most)
{
    // What was read while the path led to something else.
    if (!held_.empty()) return copy(pipe, held_.size());
    auto end = static_cast<loff_t>(file_.position);
    ssize_t moved = 0;
    do
        moved = ::splice(pipe, nullptr, file_.fd.get(), &end, most, SPLICE_F_NONBLOCK);
    while (moved < 0 && errno == EINTR);
    if (moved > 0) {
        file_.position = static_cast<std::uint64_t>(end);
        return {outcome::status::moved, static_cast<std::size_t>(moved), 0};
    }
    if (moved == 0) return {outcome::status::pipe_ended, 0, 0};
    if (errno == EAGAIN) return {outcome::status::pipe_empty, 0, 0};
    if (errno != EINVAL) return failed(errno);
    if (const int problem = append_from_now_on(); problem != 0) return failed(problem);
    return copy(pipe, most);
}

// Opened to append, or a file system without splice: write(2) at the end, then. Returns 0 or an errno.
int target::append_from_now_on()
{
    const int flags = ::fcntl(file_.fd.get(), F_GETFL);
    if (flags < 0 || ::fcntl(file_.fd.get(), F_SETFL, flags | O_APPEND) < 0) return errno;
    file_.how = way::copy;
    return 0;
}

outcome target::splice_to_stream(int pipe, std::size_t most)
{
    if (!held_.empty()) return copy(pipe, held_.size());
    ssize_t moved = 0;
    do
        moved = ::splice(pipe, nullptr, file_.fd.get(), nullptr, most, SPLICE_F_NONBLOCK);
    while (moved < 0 && errno == EINTR);
    if (moved > 0) return {outcome::status::moved, static_cast<std::size_t>(moved), 0};
    if (moved == 0) return {outcome::status::pipe_ended, 0, 0};
    if (errno == EAGAIN)
        return {bytes_in(pipe) == 0 ? outcome::status::pipe_empty : outcome::status::target_full, 0, 0};
    if (errno != EINVAL) return failed(errno);
    file_.how = way::copy;
    return copy(pipe, most);
}

outcome target::copy(int pipe, std::size_t most)
{
    char bytes[copy_size];
    std::size_t moved = 0;
    while (moved < most) {
        if (held_.empty()) {
            const ssize_t got = ::read(pipe, bytes, std::min(sizeof bytes, most - moved));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) {
                if (moved > 0) break;
                if (got == 0) return {outcome::status::pipe_ended, 0, 0};
                return errno == EAGAIN ? outcome{outcome::status::pipe_empty, 0, 0} : failed(errno);
            }
            held_.assign(bytes, static_cast<std::size_t>(got));
        }
        const outcome one = write_held();
        if (one.what == outcome::status::moved) {
            moved += one.bytes;
            continue;
        }
        if (moved > 0) break; // told on the next call
        return one;
    }
    return {outcome::status::moved, moved, 0};
}

outcome target::write_held()
{
    const outcome out = write(held_);
    if (out.bytes == held_.size())
        held_ = {};
    else
        held_.erase(0, out.bytes);
    return out;
}

outcome target::write(std::string_view bytes)
{
    ssize_t written = 0;
    switch (file_.how) {
    case way::splice_to_file:
        written = ::pwrite(file_.fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(file_.position));
        break;
    case way::copy_polled: {
        pollfd writable{file_.fd.get(), POLLOUT, 0};
        if (::poll(&writable, 1, 0) == 0) return {outcome::status::target_full, 0, 0};
        written = ::write(file_.fd.get(), bytes.data(), std::min(bytes.size(), copy_size));
        break;
    }
    case way::copy_to_socket:
        written = ::send(file_.fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        break;
    case way::splice_to_stream:
    case way::copy: written = ::write(file_.fd.get(), bytes.data(), bytes.size()); break;
    }
    if (written < 0) {
        if (errno == EAGAIN || errno == EINTR) return {outcome::status::target_full, 0, 0};
        return failed(errno);
    }
    if (is_file()) file_.position += static_cast<std::uint64_t>(written);
    return {outcome::status::moved, static_cast<std::size_t>(written), 0};
}

} // namespace procctl::output
