// For tests of targets: a pipe, a time, and files' contents.
#pragma once

#include "daemon/output/target.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace procctl::output {

inline std::ostream& operator<<(std::ostream& out, const target::happening& h)
{
    return out << static_cast<int>(h.what) << ' ' << h.errno_value << ' ' << h.path;
}

} // namespace procctl::output

namespace procctl::target_tests {

using happenings = std::vector<output::target::happening>;

// Later than any file of a test was made.
inline const wall_time noon{std::chrono::sys_days(std::chrono::year(2060) / 6 / 1) + std::chrono::hours(12)};

struct test_pipe {
    test_pipe()
    {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
    unique_fd read, write;
};

inline void put(int fd, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        REQUIRE(n > 0);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

// Moves all that the pipe has.
inline void move_all(output::target& to, const test_pipe& pipe, wall_time now = noon)
{
    output::outcome o;
    do
        o = to.take(pipe.read.get(), 1U << 20U, now);
    while (o.what == output::outcome::status::moved);
    REQUIRE(o.what == output::outcome::status::pipe_empty);
}

inline std::string content_of(const std::string& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// The names in a folder, without those of time marks.
inline std::vector<std::string> names_in(const std::string& folder)
{
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (const std::string name = entry.path().filename(); !name.starts_with('.')) names.push_back(name);
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace procctl::target_tests
