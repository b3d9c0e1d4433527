// The files of a log, and one of them read from its beginning to its end, inflated where it is compressed.
#pragma once

#include "common/result.h"
#include "common/time_marks.h"
#include "common/unique_fd.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace procctl {

// What folders hold; each is read once. For looking at many logs of one folder at the same time.
class folder_entries {
public:
    [[nodiscard]] const std::vector<std::string>& of(const std::string& folder);

private:
    std::map<std::string, std::vector<std::string>> known_;
};

// The numbers of a log's rotated files, rising, each once. Of both NAME.N and NAME.N.gz the first one counts:
// the other is what a compression has not finished.
struct rotated_file {
    std::uint64_t number = 0;
    bool is_compressed = false;
};
[[nodiscard]] std::vector<rotated_file> rotated_files(const std::string& log, folder_entries&);
[[nodiscard]] std::vector<rotated_file> rotated_files(const std::string& log);

// A file to read, when it is one that can be read back: a FIFO, a terminal or a device would take bytes from
// others, or hang. Sets errno to 0 when it is such a thing. Links are followed as open_safely() does.
[[nodiscard]] unique_fd open_to_read(const std::string& path);

class file_reader {
public:
    explicit file_reader(unique_fd, bool is_compressed = false);
    // Of a file that is not compressed and that somebody else closes, later.
    explicit file_reader(int borrowed);
    // A rotated file, under whichever of its two names it has now. ENOENT: it is gone.
    [[nodiscard]] static result<file_reader> open_rotated(const std::string& log, std::uint64_t number);

    file_reader(file_reader&&) noexcept;
    file_reader& operator=(file_reader&&) noexcept;
    ~file_reader();

    // The next bytes; 0 at the end. An error's sentence begins with what could not be done ("cannot
    // inflate"); what was read before it is good.
    [[nodiscard]] result<std::size_t> read(std::span<char> into);
    // Goes on `bytes` further, or at the end.
    [[nodiscard]] result<void> skip(std::uint64_t bytes);

    [[nodiscard]] bool is_compressed() const { return inflation_ != nullptr; }
    [[nodiscard]] int fd() const { return fd_; }

private:
    struct inflation;

    [[nodiscard]] result<std::size_t> read_file(std::span<char> into);

    unique_fd owned_;
    int fd_ = -1;
    std::uint64_t offset_ = 0; // in the file as it is
    std::unique_ptr<inflation> inflation_;
};

// The time marks of a log or, by its name before compression, of a rotated file. `reader` is that file: marks
// that were made for another are none.
[[nodiscard]] std::vector<time_mark> marks_of(const std::string& path, const file_reader&);

} // namespace procctl
