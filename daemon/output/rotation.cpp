#include "daemon/output/rotation.h"

#include "common/log_names.h"
#include "daemon/output/log_file.h"
#include "daemon/output/marks_writer.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procctl::output {
namespace {

struct rotated_file {
    std::uint64_t bytes = 0;
    bool is_plain = false, is_compressed = false; // both while it is being compressed
};
using rotated_by_number = std::map<std::uint64_t, rotated_file>;

// Returns 0 or an errno.
int list_rotated(const std::string& path, rotated_by_number& out)
{
    const std::size_t name_at = path.rfind('/') + 1; // npos + 1 is 0
    const std::string folder = name_at == 0 ? "." : path.substr(0, name_at);
    const std::string_view log = std::string_view(path).substr(name_at);
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), ::closedir);
    if (!dir) return errno;
    for (;;) {
        errno = 0;
        const dirent* const entry = ::readdir(dir.get());
        if (entry == nullptr) return errno;
        const auto rotated = parse_rotated_name(log, entry->d_name);
        struct stat what {};
        if (!rotated || ::fstatat(::dirfd(dir.get()), entry->d_name, &what, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        rotated_file& known = out[rotated->number];
        known.bytes += static_cast<std::uint64_t>(what.st_size);
        (rotated->is_compressed ? known.is_compressed : known.is_plain) = true;
    }
}

bool remove_rotated(const std::string& path, std::uint64_t number, const rotated_file& file)
{
    const std::string name = rotated_name(path, number);
    const auto is_gone = [](const std::string& each) {
        return ::unlink(each.c_str()) == 0 || errno == ENOENT;
    };
    if (file.is_plain && !is_gone(name)) return false;
    if (file.is_compressed && !is_gone(compressed_name(name))) return false;
    ::unlink(marks_name(name).c_str());
    return true;
}

// What follows the last newline of a file of that size: where it begins, and its bytes.
struct unfinished_line {
    std::uint64_t begin = 0;
    std::string bytes;
};
std::optional<unfinished_line> unfinished_line_of(int fd, std::uint64_t size)
{
    const unique_fd reader = open_to_read(fd);
    if (!reader) return {};
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(size, longest_cut_line));
    std::string end(most, '\0');
    if (read_at(reader.get(), end.data(), most, size - most) != most) {
        if (errno == 0) errno = ESTALE; // truncated by others this very moment
        return {};
    }
    const std::size_t newline = end.rfind('\n');
    if (newline == std::string::npos) return unfinished_line{size, {}};
    return unfinished_line{size - most + newline + 1, end.substr(newline + 1)};
}

bool rename_file(const std::string& from, const std::string& to)
{
    return ::rename(from.c_str(), to.c_str()) == 0;
}

// The new file is of no use. It is emptied as well: one that cannot be removed, for others own the folder,
// must not be taken for the rest of a file that was cut.
void give_up(const std::string& next, int fd)
{
    static_cast<void>(::ftruncate(fd, 0));
    ::unlink(next.c_str());
}

// Step 4 has failed: what was cut off follows the file's end again. It has the room that it had a moment ago;
// should another have taken that, the bytes are found in path.new by the next recover_rotation().
void undo_cut(int file, std::uint64_t end, const std::string& tail, const std::string& next, int next_fd)
{
    if (write_at(file, tail.data(), tail.size(), end) == tail.size()) give_up(next, next_fd);
}

// Steps 4 and 5, with the marks. Returns 0 or an errno, with nothing renamed.
int rename_both(const std::string& path, const std::string& rotated)
{
    if (!rename_file(path, rotated)) return errno;
    rename_file(marks_name(path), marks_name(rotated)); // there may be none
    // Should the new file not get its name it is written all the same, and has the name after the next open.
    rename_file(next_name(path), path);
    return 0;
}

// The number that the next rotated file gets; 0: there is none.
std::uint64_t number_after(std::uint64_t highest) { return highest == UINT64_MAX ? 0 : highest + 1; }

} // namespace

rotated_files prune_rotated(const std::string& path, std::uint64_t keep, std::uint64_t max_bytes)
{
    rotated_by_number files;
    rotated_files out;
    out.errno_value = list_rotated(path, files);
    if (out.errno_value != 0) return out;
    std::uint64_t count = files.size();
    for (const auto& [number, file] : files) {
        out.bytes += file.bytes;
        out.highest = number;
    }
    for (const auto& [number, file] : files) { // the oldest first
        if (count <= keep && out.bytes <= max_bytes) break;
        if (!remove_rotated(path, number, file)) continue;
        --count;
        out.bytes -= file.bytes;
    }
    return out;
}

rotation rotate_file(const std::string& path, int fd, const file_settings& settings,
                     std::uint64_t last_number)
{
    rotation out;
    const auto failed = [&](int errno_value) {
        out.errno_value = errno_value;
        return std::move(out);
    };
    recover_rotation(path); // one that failed may have left something
    struct stat file {
    }, there{};
    if (::fstat(fd, &file) < 0 || ::lstat(path.c_str(), &there) < 0) return failed(errno);
    if (S_ISLNK(there.st_mode)) return failed(ELOOP);
    if (there.st_dev != file.st_dev || there.st_ino != file.st_ino) return failed(ESTALE);

    const auto size = static_cast<std::uint64_t>(file.st_size);
    const auto room = settings.max_total_size - std::min(settings.max_total_size, size);
    const rotated_files others = prune_rotated(path, settings.keep == 0 ? 0 : settings.keep - 1, room);
    if (others.errno_value != 0) return failed(others.errno_value);
    out.number = number_after(std::max(others.highest, last_number));
    if (out.number == 0) return failed(EOVERFLOW);

    const auto line = unfinished_line_of(fd, size);
    if (!line) return failed(errno);
    const std::string next = next_name(path);
    opened_log made = make_log_like(next, file);
    if (!made.fd) return failed(made.errno_value);
    const std::size_t tail = line->bytes.size();
    if (write_at(made.fd.get(), line->bytes.data(), tail, 0) != tail) {
        const int problem = errno != 0 ? errno : ENOSPC;
        give_up(next, made.fd.get());
        return failed(problem);
    }
    // Those who append to it beside us would lose what they have written meanwhile.
    struct stat last {};
    const bool is_same = ::fstat(fd, &last) == 0 && last.st_size == file.st_size;
    if (tail > 0 && (!is_same || ::ftruncate(fd, static_cast<off_t>(line->begin)) < 0)) {
        const int problem = is_same ? errno : EBUSY;
        give_up(next, made.fd.get());
        return failed(problem);
    }
    const std::string rotated = rotated_name(path, out.number);
    if (const int problem = rename_both(path, rotated); problem != 0) {
        undo_cut(fd, line->begin, line->bytes, next, made.fd.get());
        return failed(problem);
    }
    out.fd = std::move(made.fd);
    out.own_errno = made.own_errno;
    out.cut = line->begin;
    out.tail = tail;
    out.bytes = others.bytes + out.cut;
    if (settings.keep == 0 && remove_rotated(path, out.number, {.is_plain = true})) out.bytes -= out.cut;
    return out;
}

void recover_rotation(const std::string& path)
{
    const std::string next = next_name(path);
    struct stat begun {
    }, log{};
    if (::lstat(next.c_str(), &begun) < 0 || !S_ISREG(begun.st_mode)) return;
    const auto remove_next = [&] { ::unlink(next.c_str()); };
    if (::lstat(path.c_str(), &log) < 0) {
        if (errno != ENOENT) return;
        rotated_by_number rotated;
        if (list_rotated(path, rotated) == 0 && !rotated.empty())
            keep_marks(path, rotated_name(path, rotated.rbegin()->first));
        rename_file(next, path);
        return;
    }
    if (!S_ISREG(log.st_mode)) return; // has nothing to do with it
    if (begun.st_size == 0) return remove_next();

    const unique_fd from(::open(next.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    const unique_fd to(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!from || !to) return;
    const auto unfinished = unfinished_line_of(to.get(), static_cast<std::uint64_t>(log.st_size));
    std::string tail(static_cast<std::size_t>(std::min<off_t>(begun.st_size, longest_cut_line)), '\0');
    tail.resize(read_at(from.get(), tail.data(), tail.size(), 0));
    if (!unfinished) return;
    const std::string& end = unfinished->bytes;
    if (!end.empty() && end.starts_with(tail)) return remove_next();
    // Cut, or cut and partly mended. What is neither (others have written to it) is left as it is, and the
    // bytes of path.new follow it.
    const bool is_partly_mended = !end.empty() && tail.starts_with(end);
    const auto log_end = is_partly_mended ? unfinished->begin : static_cast<std::uint64_t>(log.st_size);
    if (is_partly_mended && ::ftruncate(to.get(), static_cast<off_t>(log_end)) < 0) return;
    rotated_by_number rotated;
    const bool is_readable = list_rotated(path, rotated) == 0;
    const std::uint64_t number = number_after(rotated.empty() ? 0 : rotated.rbegin()->first);
    if (!is_readable || number == 0 || rename_both(path, rotated_name(path, number)) != 0)
        undo_cut(to.get(), log_end, tail, next, from.get());
}

} // namespace procctl::output
