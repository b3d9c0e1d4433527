#include "daemon/helpers/log_file.h"

#include "common/log_names.h"
#include "daemon/os/safe_open.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <new>
#include <utility>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

namespace procctl {
namespace {

constexpr std::size_t compressed_piece = 32U << 10U;

std::string folder_of(const std::string& path)
{
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

} // namespace

const std::vector<std::string>& folder_entries::of(const std::string& folder)
{
    const auto [at, is_new] = known_.try_emplace(folder);
    if (is_new) {
        std::error_code bad;
        for (std::filesystem::directory_iterator i(folder, bad), end; !bad && i != end; i.increment(bad))
            at->second.push_back(i->path().filename().string());
        std::ranges::sort(at->second);
    }
    return at->second;
}

std::vector<rotated_file> rotated_files(const std::string& log, folder_entries& folders)
{
    const std::string name = log.substr(log.rfind('/') + 1); // npos + 1 is 0
    const std::vector<std::string>& entries = folders.of(folder_of(log));
    std::vector<rotated_file> out;
    for (auto at = std::ranges::lower_bound(entries, name + '.');
         at != entries.end() && at->starts_with(name); ++at)
        if (const auto found = parse_rotated_name(name, *at))
            out.push_back({found->number, found->is_compressed});
    const auto before = [](const rotated_file& a, const rotated_file& b) {
        return a.number != b.number ? a.number < b.number : b.is_compressed && !a.is_compressed;
    };
    std::ranges::sort(out, before);
    const auto same = [](const rotated_file& a, const rotated_file& b) { return a.number == b.number; };
    out.erase(std::unique(out.begin(), out.end(), same), out.end()); // clang 14 has no std::ranges::unique
    return out;
}

std::vector<rotated_file> rotated_files(const std::string& log)
{
    folder_entries now;
    return rotated_files(log, now);
}

unique_fd open_to_read(const std::string& path)
{
    const safely_opened found = open_safely(path, O_PATH | O_CLOEXEC);
    struct stat what {};
    if (!found.fd) errno = found.errno_value;
    if (!found.fd || ::fstat(found.fd.get(), &what) < 0) return {};
    if (!S_ISREG(what.st_mode)) {
        errno = 0;
        return {};
    }
    const std::string name = "/proc/self/fd/" + std::to_string(found.fd.get());
    return unique_fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

struct file_reader::inflation {
    z_stream stream{};
    std::array<char, compressed_piece> input{};
    bool is_at_end = false; // of a gzip member; another may follow
    bool has_failed = false;

    inflation()
    {
        static constexpr int gzip = 16; // added to the window's size: a gzip header, and no other
        if (::inflateInit2(&stream, MAX_WBITS + gzip) != Z_OK) throw std::bad_alloc();
    }
    inflation(const inflation&) = delete;
    inflation& operator=(const inflation&) = delete;
    ~inflation() { ::inflateEnd(&stream); }
};

file_reader::file_reader(unique_fd file, bool is_compressed) : owned_(std::move(file)), fd_(owned_.get())
{
    if (is_compressed) inflation_ = std::make_unique<inflation>();
}
file_reader::file_reader(int borrowed) : fd_(borrowed) {}
file_reader::file_reader(file_reader&&) noexcept = default;
file_reader& file_reader::operator=(file_reader&&) noexcept = default;
file_reader::~file_reader() = default;

result<file_reader> file_reader::open_rotated(const std::string& log, std::uint64_t number)
{
    const std::string name = rotated_name(log, number);
    // It may be compressed between the two tries.
    for (int tries = 0; tries < 2; ++tries) {
        if (unique_fd plain = open_to_read(name)) return file_reader(std::move(plain));
        if (errno != ENOENT) return last_error("cannot read " + name);
        if (unique_fd packed = open_to_read(compressed_name(name)))
            return file_reader(std::move(packed), true);
        if (errno != ENOENT) return last_error("cannot read " + compressed_name(name));
    }
    return make_error(ENOENT, "cannot read " + name);
}

result<std::size_t> file_reader::read_file(std::span<char> into)
{
    for (;;) {
        const ssize_t n = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(offset_));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return last_error("cannot read");
        offset_ += static_cast<std::uint64_t>(n);
        return static_cast<std::size_t>(n);
    }
}

result<std::size_t> file_reader::read(std::span<char> into)
{
    if (!inflation_) return read_file(into);
    z_stream& z = inflation_->stream;
    if (inflation_->has_failed) return std::size_t{0};
    // zlib's numbers are 32 bits wide, and its types know no const and no char.
    z.next_out = reinterpret_cast<Bytef*>(into.data());
    z.avail_out = static_cast<uInt>(std::min<std::size_t>(into.size(), UINT32_MAX));
    const auto fail = [&](const char* what) -> result<std::size_t> {
        inflation_->has_failed = true;
        return make_error(std::string("cannot inflate: ") + what);
    };
    while (z.avail_out == into.size()) {
        if (z.avail_in == 0) {
            const auto got = read_file(inflation_->input);
            if (!got) return got.error();
            if (*got == 0) {
                if (inflation_->is_at_end) return std::size_t{0};
                return fail("the file is cut off");
            }
            z.next_in = reinterpret_cast<Bytef*>(inflation_->input.data());
            z.avail_in = static_cast<uInt>(*got);
        }
        if (std::exchange(inflation_->is_at_end, false)) ::inflateReset(&z);
        const int status = ::inflate(&z, Z_NO_FLUSH);
        if (status == Z_STREAM_END)
            inflation_->is_at_end = true;
        else if (status != Z_OK && status != Z_BUF_ERROR) {
            if (z.avail_out < into.size()) break; // what was good first; the next call fails
            return fail("the file is damaged");
        }
    }
    return into.size() - z.avail_out;
}

result<void> file_reader::skip(std::uint64_t bytes)
{
    if (!inflation_) {
        offset_ += bytes;
        return {};
    }
    std::vector<char> nowhere(std::min<std::uint64_t>(bytes, 64U << 10U));
    while (bytes > 0) {
        const auto got =
            read({nowhere.data(), static_cast<std::size_t>(std::min<std::uint64_t>(bytes, nowhere.size()))});
        if (!got) return got.error();
        if (*got == 0) return {};
        bytes -= *got;
    }
    return {};
}

std::vector<time_mark> marks_of(const std::string& path, const file_reader& reader)
{
    unique_fd file = open_to_read(marks_name(path));
    if (!file) return {};
    std::string content(max_marks_size, '\0');
    file_reader all(std::move(file));
    std::size_t size = 0;
    while (size < content.size()) {
        const auto got = all.read({content.data() + size, content.size() - size});
        if (!got) return {};
        if (*got == 0) break;
        size += *got;
    }
    time_marks found = read_time_marks(std::string_view(content).substr(0, size));
    struct stat what {};
    if (::fstat(reader.fd(), &what) < 0) return {};
    if (reader.is_compressed())
        return std::move(found.marks); // the number was that of the file it was made of
    if (found.ino != what.st_ino) return {};
    // A rotation moves an unfinished line, and what was marked in it, to the next file.
    std::erase_if(found.marks,
                  [&](const time_mark& m) { return m.offset > static_cast<std::uint64_t>(what.st_size); });
    return std::move(found.marks);
}

} // namespace procctl
