#include "daemon/os/safe_open.h"

#include <algorithm>
#include <array>
#include <climits>
#include <optional>
#include <string>

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace procctl {
namespace {

constexpr unsigned most_links = 40; // the kernel's limit
constexpr unsigned most_races = 16; // with others who make and remove the file
constexpr std::array<std::string_view, 3> harmless = {"/dev/stdout", "/dev/stderr", "/dev/null"};

// The path, followed part by part: no link is followed by the kernel, but for those of /proc.
class safe_walk {
public:
    safe_walk(std::string_view path, int flags, mode_t mode) : rest_(path), flags_(flags), mode_(mode) {}

    safely_opened run()
    {
        here_.reset(::open(rest_.starts_with('/') ? "/" : ".", folder_flags));
        if (!here_) return failed(errno);
        for (;;) {
            const std::string part = next_part();
            if (part.empty()) return failed(has_begun_ ? EISDIR : ENOENT);
            has_begun_ = true;
            if (const auto done = rest_.empty() ? open_last(part) : enter(part)) return failed(*done);
            if (out_.fd) return std::move(out_);
        }
    }

private:
    static constexpr int folder_flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

    static safely_opened failed(int errno_value) { return {.fd = {}, .errno_value = errno_value}; }

    // Takes it off what is left of the path.
    std::string next_part()
    {
        rest_.erase(0, std::min(rest_.find_first_not_of('/'), rest_.size()));
        std::string part = rest_.substr(0, rest_.find('/'));
        rest_.erase(0, part.size());
        rest_.erase(0, std::min(rest_.find_first_not_of('/'), rest_.size()));
        return part;
    }

    // Each returns an errno when it is over, and nothing when it goes on, or when out_ has the file.

    std::optional<int> enter(const std::string& part)
    {
        unique_fd folder(::openat(here_.get(), part.c_str(), folder_flags | O_NOFOLLOW));
        if (!folder && errno == ENOTDIR) return follow(part);
        if (!folder) return errno;
        here_ = std::move(folder);
        return {};
    }

    std::optional<int> open_last(const std::string& part)
    {
        for (unsigned race = 0; race < most_races; ++race) {
            out_.fd.reset(::openat(here_.get(), part.c_str(), (flags_ & ~O_CREAT) | O_NOFOLLOW));
            if (out_.fd) return is_link(out_.fd.get()) ? follow(part) : check_file();
            if (errno == ELOOP) return follow(part);
            if (errno != ENOENT || (flags_ & O_CREAT) == 0) return errno;
            if (!may_add_here()) return EACCES;
            out_.fd.reset(::openat(here_.get(), part.c_str(), flags_ | O_CREAT | O_EXCL, mode_));
            out_.is_new = bool(out_.fd);
            if (out_.fd) return {};
            if (errno != EEXIST) return errno;
        }
        return EEXIST;
    }

    static bool is_link(int fd)
    {
        struct stat facts {};
        return ::fstat(fd, &facts) == 0 && S_ISLNK(facts.st_mode);
    }

    std::optional<int> follow(const std::string& part)
    {
        out_.fd.reset();
        const unique_fd link(::openat(here_.get(), part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        struct stat facts {};
        if (!link || ::fstat(link.get(), &facts) < 0) return errno;
        if (!S_ISLNK(facts.st_mode)) return ENOTDIR;
        if (++links_ > most_links) return ELOOP;
        const bool is_trusted = facts.st_uid == 0 || facts.st_uid == self_;
        struct statfs system {};
        if (::fstatfs(link.get(), &system) == 0 && system.f_type == PROC_SUPER_MAGIC && is_trusted)
            return jump(part);
        std::array<char, PATH_MAX> text;
        const ssize_t size = ::readlinkat(link.get(), "", text.data(), text.size());
        if (size < 0) return errno;
        const std::string_view target(text.data(), static_cast<std::size_t>(size));
        if (!is_trusted && std::ranges::find(harmless, target) == harmless.end()) {
            if (guide_ && *guide_ != facts.st_uid) return EACCES;
            guide_ = facts.st_uid;
        }
        rest_.insert(0, std::string(target) + (rest_.empty() ? "" : "/"));
        if (target.starts_with('/')) here_.reset(::open("/", folder_flags));
        return here_ ? std::nullopt : std::optional(errno);
    }

    // What a link of /proc leads to has no name that could be followed.
    std::optional<int> jump(const std::string& part)
    {
        unique_fd there(
            ::openat(here_.get(), part.c_str(), rest_.empty() ? flags_ & ~O_CREAT : folder_flags));
        if (!there) return errno;
        (rest_.empty() ? out_.fd : here_) = std::move(there);
        return {};
    }

    bool may_add_here() const
    {
        struct stat folder {};
        return !guide_ || (::fstat(here_.get(), &folder) == 0 && folder.st_uid == *guide_);
    }

    std::optional<int> check_file()
    {
        struct stat file {
        }, folder{};
        if (::fstat(out_.fd.get(), &file) < 0 || ::fstat(here_.get(), &folder) < 0) return errno;
        bool is_safe = !guide_ || file.st_uid == *guide_ || folder.st_uid == *guide_;
        if (S_ISREG(file.st_mode) && file.st_nlink > 1) {
            const bool is_ours = folder.st_uid == 0 || folder.st_uid == self_;
            is_safe = is_safe && (folder.st_mode & S_IWOTH) == 0 && (is_ours || file.st_uid == folder.st_uid);
        }
        if (is_safe) return {};
        out_.fd.reset();
        return EACCES;
    }

    std::string rest_;
    int flags_;
    mode_t mode_;
    uid_t self_ = ::geteuid();
    unique_fd here_;
    safely_opened out_;
    std::optional<uid_t> guide_; // whose links we have followed
    unsigned links_ = 0;
    bool has_begun_ = false;
};

} // namespace

safely_opened open_safely(std::string_view path, int flags, mode_t mode)
{
    return safe_walk(path, flags, mode).run();
}

} // namespace procctl
