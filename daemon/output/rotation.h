// Rotating the file of a log: by renaming it, at the end of a line, with no byte lost or doubled whenever
// this process is killed. No journal is kept: what has been done shows in the files themselves.
//
//   1  prune                 the oldest rotated files go
//   2  copy to path.new      what follows the last newline, T: the beginning of an unfinished line
//   3  truncate path         T is cut off
//   4  path -> path.N        N: greater than each that there is
//   5  path.new -> path
//
// In what state a predecessor left it (recover_rotation):
//
//   path.new  path                      it was killed    then
//   none                                before 2, or after 5
//   empty     any                       in 2, or before 4; T is empty           path.new is removed
//   a part    ends with T               in 2 or before 3                        path.new is removed
//   T         ends with a newline       after 3                                 4 and 5
//   T         ends with a part of T     while 3 was undone, 4 having failed     cut again, 4 and 5
//   any       none                      after 4                                 5
//
// What belongs to a log and how it is called: common/log_names.h. Sizes are in bytes, errors errno values.
#pragma once

#include "common/unique_fd.h"
#include "daemon/output/file_settings.h"

#include <cstdint>
#include <string>

namespace procctl::output {

// A newline is looked for in so much of the end of a file; one without is rotated as it is.
inline constexpr std::size_t longest_cut_line = 64U << 10U;

struct rotated_files {
    int errno_value = 0;       // the folder cannot be read; then the rest means nothing
    std::uint64_t highest = 0; // number; 0: there is none
    std::uint64_t bytes = 0;   // of all of them
};
// Removes the oldest, with their marks, until there are at most `keep`, and they have at most `max_bytes`.
// What cannot be removed is counted and left. Tells about those that are left.
[[nodiscard]] rotated_files prune_rotated(const std::string& path, std::uint64_t keep,
                                          std::uint64_t max_bytes);

struct rotation {
    int errno_value = 0;      // nothing has been rotated: the file is as it was
    int own_errno = 0;        // the new file does not have the owner or mode of the old one
    unique_fd fd;             // of the new file
    std::uint64_t number = 0; // of the rotated one; removed already when none is to be kept
    std::uint64_t cut = 0;    // its size
    std::uint64_t tail = 0;   // the new file's: the beginning of an unfinished line
    std::uint64_t bytes = 0;  // of all rotated files
};
// `fd`: the regular file that the path names; ELOOP when it does so by a symbolic link, which would be what
// is renamed, ESTALE when it names another. The number will be greater than `last_number`.
[[nodiscard]] rotation rotate_file(const std::string& path, int fd, const file_settings&,
                                   std::uint64_t last_number);

// Ends what a killed process has begun; to be called before the path is opened. Cheap when there is nothing.
void recover_rotation(const std::string& path);

} // namespace procctl::output
