#include "daemon/helpers/follow_log.h"

#include "common/log_names.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procctl {
namespace {

constexpr std::uint32_t folder_events = IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t file_events = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;

constexpr std::size_t piece_size = 64U << 10U;
// A rotation moves an unfinished line of at most 64 KiB: a longer one is not held back.
constexpr std::size_t most_held = 2 * piece_size;

std::string missing_text(const std::string& path, std::uint64_t first, std::uint64_t last)
{
    if (first == last) return rotated_name(path, first) + " was removed before it was read";
    return rotated_name(path, first) + " to " + rotated_name(path, last) +
           " were removed before they were read";
}

} // namespace

void followed_log::start_at(unique_fd fd, std::uint64_t offset, std::uint64_t last_number)
{
    file_ = std::move(fd);
    offset_ = offset;
    last_number_ = last_number;
    watch_file();
}

bool followed_log::look(followed_text& to)
{
    // The watch comes before the look: what happens in between is seen, at worst twice.
    watch_folder();
    if (!file_ && !open_next(to)) return false;
    if (!file_) return true;
    if (!read_rest(to)) return false;
    while (is_gone()) {
        // What was written between the read and the renaming is still to be had.
        if (!read_rest(to) || !leave_file(to) || !open_next(to)) return false;
        if (!file_) return true;
        if (!read_rest(to)) return false;
    }
    return true;
}

bool followed_log::give_unfinished(followed_text& to)
{
    const std::string_view rest = std::string_view(unfinished_).substr(given_);
    given_ = unfinished_.size();
    return rest.empty() || to.text(rest);
}

// Nothing will be added to the unfinished line where it was found.
bool followed_log::give_up_unfinished(followed_text& to)
{
    if (!give_unfinished(to)) return false;
    const bool was_there = !unfinished_.empty();
    unfinished_.clear();
    given_ = 0;
    is_cut_ = false;
    return !was_there || to.cut();
}

// Watches the folder of the path, or the nearest one above it that exists. Cheap when it is watched already.
void followed_log::watch_folder()
{
    const std::filesystem::path wanted = std::filesystem::path(path_).parent_path();
    std::filesystem::path folder = wanted;
    std::filesystem::path below; // the one that did not exist
    for (;;) {
        if (::inotify_add_watch(inotify_, folder.c_str(), folder_events | IN_ONLYDIR) >= 0) {
            std::error_code ignored;
            if (below.empty() || !std::filesystem::exists(below, ignored)) return;
            // It was made before we watched, and nobody will tell us.
            folder = wanted;
            below.clear();
        } else if (folder.has_relative_path()) {
            // What may not be watched will not become watchable by being asked again.
            below = errno == ENOENT ? folder : std::filesystem::path();
            folder = folder.parent_path();
        } else {
            return;
        }
    }
}

void followed_log::watch_file()
{
    if (!file_) return;
    // By descriptor, for the path may lead elsewhere by now.
    const std::string name = "/proc/self/fd/" + std::to_string(file_.get());
    watch_ = ::inotify_add_watch(inotify_, name.c_str(), file_events);
}

// A rotated file stays, and so would its watch.
void followed_log::unwatch_file()
{
    if (watch_ >= 0) ::inotify_rm_watch(inotify_, watch_);
    watch_ = -1;
}

// Takes what was read of a file: gives the lines that are whole, and holds back the rest.
bool followed_log::take(std::string_view piece, followed_text& to)
{
    offset_ += piece.size();
    const std::size_t end = piece.rfind('\n');
    if (end != std::string_view::npos) {
        if (!give_unfinished(to) || !to.text(piece.substr(0, end + 1))) return false;
        unfinished_.clear();
        given_ = 0;
        piece.remove_prefix(end + 1);
    }
    unfinished_ += piece;
    if (unfinished_.size() <= most_held) return true;
    if (!give_unfinished(to)) return false;
    unfinished_.clear();
    given_ = 0;
    return true;
}

bool followed_log::read_rest(followed_text& to)
{
    struct stat now {};
    if (::fstat(file_.get(), &now) == 0) {
        const auto size = static_cast<std::uint64_t>(now.st_size);
        const std::uint64_t line_start = offset_ - unfinished_.size();
        if (size < offset_ && size == line_start && !unfinished_.empty()) {
            is_cut_ = true; // as a rotation does, whose renaming is to come
            return true;
        }
        if (is_cut_ && size > line_start) {
            // Nobody writes to a file that is being rotated: others had truncated it, by chance right there.
            if (!give_up_unfinished(to)) return false;
            offset_ = line_start;
        } else if (size < offset_) {
            if (!give_up_unfinished(to)) return false;
            offset_ = 0;
        }
    }
    std::array<char, piece_size> buffer;
    for (;;) {
        const ssize_t n = ::pread(file_.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset_));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return true;
        if (!take({buffer.data(), static_cast<std::size_t>(n)}, to)) return false;
    }
}

// Whether the file has no name any more, or another has taken the one that we know. One that was deleted must
// not be held: it keeps its folder alive, and the kernel then does not tell that the folder was removed.
bool followed_log::is_gone() const
{
    struct stat there {};
    struct stat ours {};
    if (::fstat(file_.get(), &ours) < 0 || ours.st_nlink == 0) return true;
    if (::stat(path_.c_str(), &there) < 0) return false;
    return there.st_dev != ours.st_dev || there.st_ino != ours.st_ino;
}

// Whether a rotated file is the one that we hold, or was made of it: compression keeps the time, and a gzip
// file ends with the size that it was made of (RFC 1952, 2.3.1).
bool followed_log::is_ours(const rotated_file& candidate) const
{
    std::string name = rotated_name(path_, candidate.number);
    if (candidate.is_compressed) name = compressed_name(name);
    struct stat there {};
    struct stat ours {};
    if (::fstat(file_.get(), &ours) < 0 || ::stat(name.c_str(), &there) < 0) return false;
    if (!candidate.is_compressed) return there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
    if (candidate.number <= last_number_ || there.st_mtim.tv_sec != ours.st_mtim.tv_sec ||
        there.st_mtim.tv_nsec != ours.st_mtim.tv_nsec)
        return false;
    const unique_fd packed = open_to_read(name);
    std::array<unsigned char, 4> size{};
    if (!packed || ::pread(packed.get(), size.data(), size.size(), there.st_size - 4) != 4) return false;
    std::uint32_t unpacked = 0;
    for (std::size_t i = 0; i < size.size(); ++i)
        unpacked |= std::uint32_t{size[i]} << (8 * i);
    return unpacked == static_cast<std::uint32_t>(ours.st_size);
}

// Finds out what the file that we hold has become, and lets go of it.
bool followed_log::leave_file(followed_text& to)
{
    const std::vector<rotated_file> rotated = rotated_files(path_);
    const auto ours = std::ranges::find_if(rotated, [this](const rotated_file& f) { return is_ours(f); });
    const bool has_newer = !rotated.empty() && rotated.back().number > last_number_;
    const bool was_rotated = ours != rotated.end() || has_newer;
    if (ours != rotated.end())
        last_number_ = ours->number;
    else if (has_newer)
        ++last_number_; // it was the next one, and has been removed; we have read it nevertheless
    unwatch_file();
    file_.reset();
    offset_ = 0;
    // Of a file that was rotated within a line, the next one has the rest.
    if (was_rotated && !is_cut_) {
        const bool is_kept = give_unfinished(to);
        unfinished_.clear();
        given_ = 0;
        return is_kept;
    }
    return is_cut_ || give_up_unfinished(to);
}

// Reads what has come between the file that was left and the current one, and opens that.
bool followed_log::open_next(followed_text& to)
{
    for (;;) {
        std::uint64_t newest = last_number_;
        for (const rotated_file& next : rotated_files(path_)) {
            newest = next.number;
            if (next.number <= last_number_) continue;
            if (next.number > last_number_ + 1 &&
                !to.note(missing_text(path_, last_number_ + 1, next.number - 1)))
                return false;
            if (!read_rotated(next.number, to)) return false;
            last_number_ = next.number;
        }
        unique_fd current = open_to_read(path_);
        // It is the one after `newest` only if none has become another number meanwhile.
        const std::vector<rotated_file> again = rotated_files(path_);
        if (!again.empty() && again.back().number > std::max(newest, last_number_)) continue;
        if (!current) return true;
        file_ = std::move(current);
        watch_file();
        file_reader reader(file_.get());
        return begin_file(reader, to);
    }
}

bool followed_log::read_rotated(std::uint64_t number, followed_text& to)
{
    auto reader = file_reader::open_rotated(path_, number);
    if (!reader) {
        if (reader.error().code == std::errc::no_such_file_or_directory)
            return to.note(missing_text(path_, number, number));
        return to.note(reader.error().message());
    }
    if (!begin_file(*reader, to)) return false;
    std::vector<char> buffer(piece_size);
    for (;;) {
        const auto got = reader->read(buffer);
        if (!got) {
            if (!give_up_unfinished(to) ||
                !to.note(got.error().message() + ": " + rotated_name(path_, number)))
                return false;
            break;
        }
        if (*got == 0) break;
        if (!take({buffer.data(), *got}, to)) return false;
    }
    // It is complete, so what it ends with goes on in the next one.
    const bool goes_on = give_unfinished(to);
    unfinished_.clear();
    given_ = 0;
    offset_ = 0;
    return goes_on;
}

// Reads as many bytes as the line has that was cut off the file before: when they are that line, it was moved
// here.
bool followed_log::begin_file(file_reader& reader, followed_text& to)
{
    offset_ = 0;
    if (!std::exchange(is_cut_, false)) return true;
    std::string begin(unfinished_.size(), '\0');
    std::size_t size = 0;
    while (size < begin.size()) {
        const auto got = reader.read({begin.data() + size, begin.size() - size});
        if (!got || *got == 0) break;
        size += *got;
    }
    begin.resize(size);
    if (begin == unfinished_) {
        offset_ = size;
        return true;
    }
    return give_up_unfinished(to) && take(begin, to);
}

} // namespace procctl
