#include "daemon/helpers/tail_follow.h"

#include <array>
#include <filesystem>

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procctl {
namespace {

constexpr std::uint32_t folder_events = IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t file_events = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;

} // namespace

unique_fd open_to_read(const std::string& path)
{
    struct stat what {};
    if (::stat(path.c_str(), &what) < 0) return {};
    if (!S_ISREG(what.st_mode)) {
        errno = 0;
        return {};
    }
    return unique_fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

void followed_file::start_at(unique_fd fd, std::uint64_t offset)
{
    file_ = std::move(fd);
    offset_ = offset;
    watch_file();
}

bool followed_file::look(const std::function<bool(std::string_view)>& use)
{
    // The watch comes before the look: what happens in between is seen, at worst twice.
    watch_folder();
    if (!file_) open_new();
    if (!file_) return true;
    if (!read_rest(use)) return false;
    while (is_gone()) {
        // What was written between the read and the renaming is still to be had.
        if (!read_rest(use)) return false;
        file_.reset();
        open_new();
        if (!file_) return true;
        if (!read_rest(use)) return false;
    }
    return true;
}

void followed_file::open_new()
{
    file_ = open_to_read(path_);
    offset_ = 0;
    watch_file();
}

// Watches the folder of the path, or the nearest one above it that exists. Cheap when it is watched already.
void followed_file::watch_folder()
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

void followed_file::watch_file()
{
    if (!file_) return;
    // By descriptor, for the path may lead elsewhere by now.
    const std::string name = "/proc/self/fd/" + std::to_string(file_.get());
    ::inotify_add_watch(inotify_, name.c_str(), file_events);
}

bool followed_file::read_rest(const std::function<bool(std::string_view)>& use)
{
    struct stat now {};
    if (::fstat(file_.get(), &now) == 0 && static_cast<std::uint64_t>(now.st_size) < offset_) offset_ = 0;
    std::array<char, 64U << 10U> buffer;
    for (;;) {
        const ssize_t n = ::pread(file_.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset_));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return true;
        offset_ += static_cast<std::uint64_t>(n);
        if (!use({buffer.data(), static_cast<std::size_t>(n)})) return false;
    }
}

// Whether the file has no name any more, or another has taken the one that we know. One that was deleted must
// not be held: it keeps its folder alive, and the kernel then does not tell that the folder was removed.
bool followed_file::is_gone() const
{
    struct stat there {};
    struct stat ours {};
    if (::fstat(file_.get(), &ours) < 0 || ours.st_nlink == 0) return true;
    if (::stat(path_.c_str(), &there) < 0) return false;
    return there.st_dev != ours.st_dev || there.st_ino != ours.st_ino;
}

} // namespace procctl
