// For tests of real processes: where the programs of this folder are, and how to hear from them without
// waiting for a time.
#pragma once

#include "common/unique_fd.h"

#include <array>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace procctl::tests {

inline std::string child_path(const std::string& name)
{
    return std::string(PROCCTL_BINARY_DIR "/tests/children/") + name;
}

struct pipe_ends {
    unique_fd read;
    unique_fd write;
};
inline pipe_ends make_pipe()
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
    return {unique_fd(ends[0]), unique_fd(ends[1])};
}

// All that comes until the last writer is gone.
inline std::string read_all(int fd)
{
    std::string text;
    std::array<char, 4096> part{};
    for (ssize_t size = 0; (size = ::read(fd, part.data(), part.size())) > 0;)
        text.append(part.data(), static_cast<std::size_t>(size));
    return text;
}

// Without the newline.
inline std::string read_line(int fd)
{
    std::string line;
    for (char c = 0; ::read(fd, &c, 1) == 1 && c != '\n';)
        line += c;
    return line;
}

} // namespace procctl::tests
