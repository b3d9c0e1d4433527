// A file that is read as it grows: through truncation, renaming, deletion and re-creation.
//
// The file need not exist yet, nor its folder. Bytes written to a file after it was renamed are read until a
// new file has taken its name.
#pragma once

#include "common/unique_fd.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace procctl {

class followed_file {
public:
    // `inotify` is borrowed; the watches made in it are for wake-ups only, and look() finds out what
    // happened.
    followed_file(std::string path, int inotify) : path_(std::move(path)), inotify_(inotify) {}

    // Goes on in this file, from `offset`; `fd` is what path led to.
    void start_at(unique_fd fd, std::uint64_t offset);

    // Gives what is new to `use`, in pieces; stops when it returns false and returns false then.
    [[nodiscard]] bool look(const std::function<bool(std::string_view)>& use);

private:
    void open_new();
    void watch_folder();
    void watch_file();
    [[nodiscard]] bool read_rest(const std::function<bool(std::string_view)>& use);
    [[nodiscard]] bool is_gone() const;

    std::string path_;
    int inotify_;
    unique_fd file_;
    std::uint64_t offset_ = 0;
};

// A file to read, when it is one that can be read back: a FIFO, a terminal or a device would take bytes from
// others, or hang. Sets errno to 0 when it is such a thing.
[[nodiscard]] unique_fd open_to_read(const std::string& path);

} // namespace procctl
