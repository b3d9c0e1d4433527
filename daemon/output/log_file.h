// Opening and making the files of a log, and whatever else the path of a log may name.
#pragma once

#include "common/unique_fd.h"
#include "daemon/output/file_settings.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>

namespace procctl::output {

// Without O_APPEND, to which splice(2) is refused. O_NONBLOCK matters to FIFOs and terminals; as the leader
// of a session without a terminal we would be given the first one that we open, but for O_NOCTTY.
inline constexpr int log_open_flags = O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

struct opened_log {
    unique_fd fd; // to write to; empty: errno_value says why
    int errno_value = 0;
    int own_errno = 0; // why a file that was made does not have the owner or the mode that it should
};
// Opens what is there, or makes a regular file, and the folders above it with mode 0750. Links are followed
// as open_safely() does.
[[nodiscard]] opened_log open_log(const std::string& path, const file_settings&);

// Makes a file that must not exist yet, as the one described is: with its mode and owner.
[[nodiscard]] opened_log make_log_like(const std::string& path, const struct stat&);

// The file of a descriptor, opened again to be read; empty: errno says why.
[[nodiscard]] unique_fd open_to_read(int fd);

// Reads or writes all of it, unless there is no more (errno is 0) or an error comes first; returns how much.
[[nodiscard]] std::size_t read_at(int fd, char* to, std::size_t size, std::uint64_t offset);
[[nodiscard]] std::size_t write_at(int fd, const char* from, std::size_t size, std::uint64_t offset);

// When the file was made, as far as the file system knows; else when it was last written.
[[nodiscard]] wall_time begin_of(int fd);

} // namespace procctl::output
