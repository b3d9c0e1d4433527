#include "daemon/helpers/pid_file.h"

#include "common/unique_fd.h"
#include "daemon/os/process_info.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <filesystem>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procctl {
namespace {

constexpr std::size_t longest_text = 4096; // some have more lines: PostgreSQL's for one
constexpr unsigned most_links = 40;        // the kernel's limit
// What inotify cannot tell, such as a change on another machine or in a linked folder, is seen after so long.
constexpr int look_again_ms = 250;

// A file, found by following the path part by part.
class path_walk {
public:
    // Errors: as open(2)'s.
    [[nodiscard]] int follow(std::string rest)
    {
        if (const int failed = enter("/", AT_FDCWD)) return failed;
        unsigned links = 0;
        while (!rest.empty()) {
            const std::string part = rest.substr(0, rest.find('/'));
            rest.erase(0, std::min(part.size() + 1, rest.size()));
            if (part.empty() || part == ".") continue;
            const int folder = here_.get();
            unique_fd next(::openat(folder, part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
            if (!next) return errno;
            if (const int failed = look_at(next.get())) return failed;
            if (!S_ISLNK(facts_.st_mode)) {
                here_ = std::move(next);
                continue;
            }
            if (++links > most_links) return ELOOP;
            std::array<char, PATH_MAX> target;
            const ssize_t size = ::readlinkat(next.get(), "", target.data(), target.size());
            if (size < 0) return errno;
            rest.insert(0, std::string(target.data(), static_cast<std::size_t>(size)) + '/');
            if (rest.starts_with('/'))
                if (const int failed = enter("/", AT_FDCWD)) return failed;
        }
        return 0;
    }

    [[nodiscard]] int descriptor() const { return here_.get(); }
    [[nodiscard]] const struct stat& facts() const { return facts_; }
    // Whether it never led from something of a user other than root to something of somebody else's.
    [[nodiscard]] bool is_safe() const { return is_safe_; }

private:
    int enter(const char* name, int folder)
    {
        here_.reset(::openat(folder, name, O_PATH | O_CLOEXEC));
        return here_ ? look_at(here_.get()) : errno;
    }

    int look_at(int fd)
    {
        const uid_t from = facts_.st_uid; // at first 0, as it should be
        if (::fstat(fd, &facts_) != 0) return errno;
        is_safe_ = is_safe_ && (from == 0 || from == facts_.st_uid);
        return 0;
    }

    unique_fd here_;
    struct stat facts_ {};
    bool is_safe_ = true;
};

bool is_alive(int pid)
{
    const auto info = read_process(pid);
    if (info) return !info->has_ended();
    return ::kill(pid, 0) == 0 || errno != ESRCH; // where /proc does not show it
}

// The folder of the path, or the nearest one above it that exists. Watching it again changes nothing.
void watch_folder_of(const std::string& path, int inotify)
{
    constexpr std::uint32_t changes = IN_CREATE | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;
    std::filesystem::path folder = std::filesystem::path(path).parent_path();
    while (::inotify_add_watch(inotify, folder.c_str(), changes | IN_ONLYDIR) < 0 &&
           folder.has_relative_path())
        folder = folder.parent_path();
}

} // namespace

std::optional<int> parse_pid_line(std::string_view text)
{
    constexpr std::string_view space = " \t\r";
    text = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
    text = text.substr(0, text.find_last_not_of(space) + 1);
    int pid = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (code != std::errc{} || end != text.data() + text.size() || pid <= 1) return {};
    return pid;
}

result<pid_file> read_pid_file(const std::string& path)
{
    const std::string cannot = "cannot read the PID file " + path;
    path_walk walk;
    if (const int failed = walk.follow(path)) return make_error(failed, cannot);
    if (!S_ISREG(walk.facts().st_mode)) return make_error(cannot + ": it is no regular file");
    const std::string name = "/proc/self/fd/" + std::to_string(walk.descriptor());
    const unique_fd file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) return last_error(cannot);
    std::array<char, longest_text> text;
    const ssize_t size = ::read(file.get(), text.data(), text.size());
    if (size < 0) return last_error(cannot);
    const auto pid = parse_pid_line({text.data(), static_cast<std::size_t>(size)});
    if (!pid) return make_error("the PID file " + path + " does not begin with a process id");
    if (!is_alive(*pid))
        return make_error("the PID file " + path + " names process " + std::to_string(*pid) +
                          ", which does not exist");
    return pid_file{.pid = *pid, .is_trusted = walk.is_safe() && walk.facts().st_uid == 0};
}

std::optional<pid_file> wait_for_pid_file(const std::string& path, int asker, int refused)
{
    // Without one (there may be too many) it is looked for now and then.
    const unique_fd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    // Who has been refused once is not asked again as fast as the file can be changed.
    if (refused != 0) ::poll(nullptr, 0, look_again_ms);
    for (;;) {
        // The watch comes before the look, so that nothing is missed in between.
        if (inotify) watch_folder_of(path, inotify.get());
        if (auto found = read_pid_file(path); found && found->pid != refused) return *found;
        std::array<pollfd, 2> waits{{{.fd = inotify.get(), .events = POLLIN, .revents = 0},
                                     {.fd = asker, .events = 0, .revents = 0}}};
        ::poll(waits.data(), waits.size(), look_again_ms);
        if (waits[1].revents != 0) return {};
        std::array<char, 4096> events;
        while (inotify && ::read(inotify.get(), events.data(), events.size()) > 0)
            ;
    }
}

} // namespace procctl
