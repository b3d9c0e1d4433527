#include "daemon/config/config_files.h"

#include "common/result.h"
#include "common/unique_fd.h"
#include "daemon/config/yaml_loader.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace procctl {
namespace {

void report(diagnostics& out, const std::string& file, std::string message, severity level = severity::error)
{
    out.push_back({level, {file}, std::move(message)});
}

// Who else could change it, in words; empty when nobody can.
std::string why_unsafe(const struct stat& status)
{
    if ((status.st_mode & S_IWOTH) != 0) return "is writable by everyone: chmod o-w";
    if ((status.st_mode & S_IWGRP) != 0 && status.st_gid != 0)
        return "is writable by the group " + std::to_string(status.st_gid) +
               ", which is not root's: chmod g-w";
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        return "belongs to the user " + std::to_string(status.st_uid) +
               ", neither root nor the daemon's: chown root";
    return {};
}

std::string_view kind_of_file(mode_t mode)
{
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a FIFO";
    if (S_ISSOCK(mode)) return "a socket";
    if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
    return "something else";
}

bool check_file_ownership(const std::string& path, int fd, const struct stat& status, diagnostics& out)
{
    if (const std::string why = why_unsafe(status); !why.empty()) {
        report(out, path, "refused: the file " + why);
        return false;
    }
    // The folder of the file itself, where the links have led: who may write there may put another in its
    // place.
    std::error_code code;
    const auto real = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), code);
    if (code) {
        report(out, path, "cannot find the folder that the file lies in: " + code.message());
        return false;
    }
    struct stat folder {};
    if (::stat(real.parent_path().c_str(), &folder) != 0) {
        report(out, path, last_error("cannot check the folder " + real.parent_path().string()).message());
        return false;
    }
    if (const std::string why = why_unsafe(folder); !why.empty()) {
        report(out, path, "refused: its folder " + real.parent_path().string() + ' ' + why);
        return false;
    }
    return true;
}

// Read until the end or one byte past the limit, whichever comes first: the file may be growing.
result<std::string> read_all(int fd, std::size_t limit)
{
    std::string text;
    std::array<char, 16384> buffer{};
    while (text.size() <= limit) {
        const ssize_t n = ::read(fd, buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return last_error("cannot read the file");
        if (n == 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return text;
}

enum class name_kind { ours, near, other };

name_kind kind_of_name(std::string_view name)
{
    if (name.starts_with('.')) return name_kind::other;
    if (name.ends_with(".yaml")) return name_kind::ours;
    std::string lower(name);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    // worker.yml, worker.YAML, worker.yaml~, worker.yaml.bak, worker.yaml.dpkg-dist: meant, or once meant.
    const bool is_near = lower.find(".yaml") != std::string::npos || lower.find(".yml") != std::string::npos;
    return is_near ? name_kind::near : name_kind::other;
}

} // namespace

std::optional<std::string> read_config_file(const std::string& path, bool check_ownership, diagnostics& out)
{
    // O_NONBLOCK: opening a FIFO or a device must not wait for its other side. It means nothing to a file.
    const unique_fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!fd) {
        const int code = errno;
        struct stat link {};
        const bool dangles = code == ENOENT && ::lstat(path.c_str(), &link) == 0 && S_ISLNK(link.st_mode);
        report(out, path,
               make_error(code, dangles ? "cannot follow the link" : "cannot open the file").message());
        return std::nullopt;
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) {
        report(out, path, last_error("cannot look at the file").message());
        return std::nullopt;
    }
    if (!S_ISREG(status.st_mode)) {
        report(out, path, "not a file but " + std::string(kind_of_file(status.st_mode)));
        return std::nullopt;
    }
    if (check_ownership && !check_file_ownership(path, fd.get(), status, out)) return std::nullopt;
    auto text = read_all(fd.get(), yaml_max_bytes);
    if (!text) {
        report(out, path, text.error().message());
        return std::nullopt;
    }
    return std::move(*text);
}

bool check_folder_ownership(const std::string& path, diagnostics& out)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return true; // whether it can be read at all is found out by reading
    const std::string why = why_unsafe(status);
    if (why.empty()) return true;
    report(out, path, "refused: the folder " + why);
    return false;
}

std::vector<std::string> list_config_files(const std::string& folder, diagnostics& out)
{
    std::vector<std::string> files;
    std::vector<std::string> near;
    std::error_code code;
    std::filesystem::directory_iterator entry(folder, code);
    for (; !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
        const std::string name = entry->path().filename().string();
        const name_kind kind = kind_of_name(name);
        if (kind == name_kind::ours) files.push_back(folder + '/' + name);
        if (kind == name_kind::near) near.push_back(folder + '/' + name);
    }
    if (code == std::errc::no_such_file_or_directory)
        report(out, folder, "the folder of programs does not exist");
    else if (code)
        report(out, folder, "cannot read the folder: " + code.message());
    std::ranges::sort(files);
    std::ranges::sort(near);
    for (const std::string& path : near)
        report(out, path, "not read: only files named *.yaml are", severity::warning);
    return files;
}

} // namespace procctl
