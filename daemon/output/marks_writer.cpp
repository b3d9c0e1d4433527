#include "daemon/output/marks_writer.h"

#include "common/log_names.h"
#include "common/unique_fd.h"
#include "daemon/output/log_file.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procctl::output {
namespace {

using std::chrono::seconds;

constexpr duration between_marks = seconds(1);
constexpr duration after_error = seconds(60);
// Times must not fall. A clock that was set back a little catches up; by more, the marks are begun anew.
constexpr duration clock_steps = seconds(60);
constexpr mode_t marks_mode = 0640;

std::int64_t number_of(wall_time t) { return t.time_since_epoch().count(); }

// A file of marks is ours alone: no link, and no device.
unique_fd open_marks(const std::string& log, int flags)
{
    unique_fd file(
        ::open(marks_name(log).c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, marks_mode));
    struct stat what {};
    if (file && (::fstat(file.get(), &what) < 0 || !S_ISREG(what.st_mode) || what.st_nlink != 1))
        file.reset();
    return file;
}

time_marks load(int file)
{
    std::string content(max_marks_size, '\0');
    content.resize(read_at(file, content.data(), content.size(), 0));
    return read_time_marks(content);
}

// What there is gives way to these.
bool store(int file, std::uint64_t ino, std::span<const time_mark> marks)
{
    marks_header header;
    std::copy(std::begin(marks_magic), std::end(marks_magic), header.magic);
    header.ino = ino;
    std::string content(sizeof header + marks.size_bytes(), '\0');
    std::memcpy(content.data(), &header, sizeof header);
    if (!marks.empty()) std::memcpy(content.data() + sizeof header, marks.data(), marks.size_bytes());
    return write_at(file, content.data(), content.size(), 0) == content.size() &&
           ::ftruncate(file, static_cast<off_t>(content.size())) == 0;
}

bool is_after(const time_mark& next, const time_mark& last)
{
    return next.offset >= last.offset && next.time >= last.time;
}

// Every second one, and of those the first.
void thin(std::vector<time_mark>& marks)
{
    std::size_t kept = 0;
    for (std::size_t i = 0; i < marks.size(); i += 2)
        marks[kept++] = marks[i];
    marks.resize(kept);
}

} // namespace

void marks_writer::note(const std::string& log, std::uint64_t ino, std::uint64_t offset, wall_time now)
{
    const time_mark next{offset, number_of(now)};
    if (next.time < 0) return;
    if (ino == ino_ && offset >= last_.offset) {
        const auto passed = duration(next.time - last_.time);
        if (passed < between_marks && passed > -clock_steps) return;
    }
    if (now < pause_until_ && pause_until_ - now <= after_error) return;
    if (ino != ino_) last_ = {};
    ino_ = ino;
    if (append(log, next))
        last_ = next;
    else
        pause_until_ = now + after_error;
}

bool marks_writer::append(const std::string& log, time_mark next)
{
    const unique_fd file = open_marks(log, O_RDWR | O_CREAT);
    struct stat what {};
    if (!file || ::fstat(file.get(), &what) < 0) return false;
    const auto size = static_cast<std::size_t>(what.st_size);
    const bool has_room = size >= sizeof(marks_header) + sizeof next &&
                          size + sizeof next <= max_marks_size && size % sizeof next == 0;
    // The last one is as we left it: so is the rest.
    time_mark there;
    if (has_room && last_.time != 0 && is_after(next, last_) &&
        ::pread(file.get(), &there, sizeof there, what.st_size - static_cast<off_t>(sizeof there)) ==
            sizeof there &&
        there == last_)
        return ::pwrite(file.get(), &next, sizeof next, what.st_size) == sizeof next;

    time_marks known = load(file.get());
    if (known.ino != ino_ || (!known.marks.empty() && !is_after(next, known.marks.back())))
        known.marks.clear();
    if (known.marks.size() >= max_marks) thin(known.marks);
    known.marks.push_back(next);
    return store(file.get(), ino_, known.marks);
}

void marks_writer::follow(const std::string& log, const std::string& rotated, std::uint64_t ino,
                          std::uint64_t cut)
{
    last_ = {};
    ino_ = 0;
    const unique_fd old = open_marks(rotated, O_RDONLY);
    if (!old) return;
    const time_marks known = load(old.get());
    const std::int64_t begun = time_at(known.marks, cut);
    if (begun == 0) return;
    ino_ = ino;
    last_ = {0, begun};
    const unique_fd file = open_marks(log, O_RDWR | O_CREAT);
    if (file) static_cast<void>(store(file.get(), ino, std::span(&last_, 1)));
}

void keep_marks(const std::string& log, const std::string& rotated)
{
    const unique_fd file = open_marks(log, O_RDONLY);
    struct stat what {};
    marks_header header;
    if (!file || ::stat(rotated.c_str(), &what) < 0) return;
    if (::pread(file.get(), &header, sizeof header, 0) != sizeof header) return;
    if (header.ino == what.st_ino) ::rename(marks_name(log).c_str(), marks_name(rotated).c_str());
}

} // namespace procctl::output
