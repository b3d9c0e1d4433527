#include "daemon/helpers/compress.h"

#include "common/log_names.h"
#include "common/unique_fd.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <vector>

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

namespace procctl {
namespace {

constexpr std::string_view half_suffix = ".part";
constexpr std::size_t piece_size = 64U << 10U;
// What has been read is told to the kernel as not needed any more, so often: the page cache is for programs.
constexpr off_t forgotten_at_once = off_t{8} << 20U;

struct place {
    std::string folder; // with its '/', or empty
    std::string name;
};

place place_of(const std::string& path)
{
    const std::size_t name = path.rfind('/') + 1; // npos + 1 is 0
    return {path.substr(0, name), path.substr(name)};
}

std::string half_name(const place& at)
{
    return at.folder + '.' + compressed_name(at.name) + std::string(half_suffix);
}

// Those of the same log that nobody holds locked.
void remove_abandoned_halves(const place& at)
{
    const std::string log = at.name.substr(0, at.name.rfind('.'));
    const std::string begin = '.' + log;
    std::error_code bad;
    const std::string folder = at.folder.empty() ? "." : at.folder;
    for (std::filesystem::directory_iterator i(folder, bad), end; !bad && i != end; i.increment(bad)) {
        const std::string entry = i->path().filename().string();
        if (!entry.starts_with(begin) || !entry.ends_with(half_suffix)) continue;
        const std::string_view of = std::string_view(entry).substr(1, entry.size() - 1 - half_suffix.size());
        if (const auto found = parse_rotated_name(log, of); !found || !found->is_compressed) continue;
        const std::string path = at.folder + entry;
        const unique_fd half(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        if (half && ::flock(half.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
    }
}

// A new file, locked for as long as it is open.
result<unique_fd> create_half(const std::string& path)
{
    unique_fd half(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!half) return last_error("cannot create " + path);
    if (::flock(half.get(), LOCK_EX | LOCK_NB) < 0) return last_error("cannot lock " + path);
    return half;
}

class deflater {
public:
    explicit deflater(int to) : to_(to), out_(piece_size) {}
    deflater(const deflater&) = delete;
    deflater& operator=(const deflater&) = delete;
    ~deflater()
    {
        if (is_ready_) ::deflateEnd(&stream_);
    }

    [[nodiscard]] result<void> begin()
    {
        static constexpr int gzip = 16; // added to the window's size: with gzip's header and trailer
        static constexpr int memory_level = 8;
        if (::deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + gzip, memory_level,
                           Z_DEFAULT_STRATEGY) != Z_OK)
            return make_error(ENOMEM, "cannot compress");
        is_ready_ = true;
        return {};
    }
    // An empty piece with `is_last` ends it.
    [[nodiscard]] result<void> add(char* piece, std::size_t size, bool is_last)
    {
        stream_.next_in = reinterpret_cast<Bytef*>(piece);
        stream_.avail_in = static_cast<uInt>(size);
        do {
            stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
            stream_.avail_out = static_cast<uInt>(out_.size());
            if (::deflate(&stream_, is_last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR)
                return make_error("cannot compress: zlib has lost its state");
            if (const auto written = write_all({out_.data(), out_.size() - stream_.avail_out}); !written)
                return written;
        } while (stream_.avail_out == 0);
        return {};
    }

private:
    [[nodiscard]] result<void> write_all(std::string_view bytes) const
    {
        while (!bytes.empty()) {
            const ssize_t n = ::write(to_, bytes.data(), bytes.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return last_error("cannot write the compressed file");
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return {};
    }

    int to_;
    z_stream stream_{};
    std::vector<char> out_;
    bool is_ready_ = false;
};

result<void> deflate_file(int from, int to)
{
    deflater packer(to);
    if (const auto begun = packer.begin(); !begun) return begun;
    ::posix_fadvise(from, 0, 0, POSIX_FADV_SEQUENTIAL);
    std::vector<char> piece(piece_size);
    off_t forgotten = 0;
    for (off_t offset = 0;;) {
        const ssize_t n = ::pread(from, piece.data(), piece.size(), offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return last_error("cannot read");
        if (const auto added = packer.add(piece.data(), static_cast<std::size_t>(n), n == 0); !added)
            return added;
        if (n == 0) return {};
        offset += n;
        if (offset - forgotten < forgotten_at_once) continue;
        ::posix_fadvise(from, forgotten, offset - forgotten, POSIX_FADV_DONTNEED);
        forgotten = offset;
    }
}

// The time last, for writing changes it.
result<void> take_after(const struct stat& old, int fd)
{
    // Who may not give files away owns them all.
    struct stat now {};
    if (::fstat(fd, &now) < 0) return last_error("cannot look at the compressed file");
    if ((now.st_uid != old.st_uid || now.st_gid != old.st_gid) && ::fchown(fd, old.st_uid, old.st_gid) < 0)
        return last_error("cannot give the compressed file its owner");
    if (::fchmod(fd, old.st_mode & 07777U) < 0) return last_error("cannot give the compressed file its mode");
    const std::array<timespec, 2> times{old.st_atim, old.st_mtim};
    if (::futimens(fd, times.data()) < 0) return last_error("cannot give the compressed file its time");
    return {};
}

bool is_unchanged(int fd, const struct stat& before)
{
    struct stat now {};
    return ::fstat(fd, &now) == 0 && now.st_size == before.st_size &&
           now.st_mtim.tv_sec == before.st_mtim.tv_sec && now.st_mtim.tv_nsec == before.st_mtim.tv_nsec;
}

// The name of a file is on the disk when its folder is.
result<void> sync_folder(const place& at)
{
    const std::string folder = at.folder.empty() ? "." : at.folder;
    const unique_fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) < 0) return last_error("cannot bring the folder " + folder + " to the disk");
    return {};
}

result<void> write_half(int from, const struct stat& old, int half)
{
    if (const auto packed = deflate_file(from, half); !packed) return packed;
    if (const auto like = take_after(old, half); !like) return like;
    if (::fsync(half) < 0) return last_error("cannot bring the compressed file to the disk");
    if (!is_unchanged(from, old)) return make_error("something has written to it meanwhile");
    return {};
}

} // namespace

result<void> compress_file(const std::string& path)
{
    const place at = place_of(path);
    const std::string packed = at.folder + compressed_name(at.name);
    const unique_fd from(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (!from && errno == ENOENT) return {};
    if (!from) return last_error("cannot open " + path);
    struct stat old {};
    if (::fstat(from.get(), &old) < 0) return last_error("cannot look at " + path);
    if (!S_ISREG(old.st_mode)) return make_error("cannot compress " + path + ": not a regular file");
    remove_abandoned_halves(at);
    const std::string name = half_name(at);
    const auto half = create_half(name);
    if (!half) return half.error();
    if (const auto written = write_half(from.get(), old, half->get()); !written) {
        ::unlink(name.c_str());
        return error{written.error().code, "cannot compress " + path + ": " + written.error().context};
    }
    if (std::rename(name.c_str(), packed.c_str()) < 0) {
        const error why = last_error("cannot rename " + name);
        ::unlink(name.c_str());
        return why;
    }
    if (const auto synced = sync_folder(at); !synced) return synced;
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) return last_error("cannot remove " + path);
    return {};
}

} // namespace procctl
