// PID files: which process a forking program says is its main one.
//
// Blocks, on a disk for one; runs in a helper process.
#pragma once

#include "common/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace procctl {

struct pid_file {
    int pid = 0; // above 1, of a process that is alive: it exists, and is no zombie
    // It belongs to root, and the way there never leads from something of another user's to what is not
    // theirs: a program that may not signal a process cannot have it signalled by a link to a foreign PID
    // file.
    bool is_trusted = false;
};

// Errors: no such file, no regular one, no pid in its first line, no such process.
[[nodiscard]] result<pid_file> read_pid_file(const std::string& path);

// Waits until read_pid_file has no error, and names another process than `refused`. Empty: nobody is left who
// reads from the pipe `asker`.
[[nodiscard]] std::optional<pid_file> wait_for_pid_file(const std::string& path, int asker, int refused = 0);

// The pid in the first line of a text: decimal, above 1, with nothing beside it but space.
[[nodiscard]] std::optional<int> parse_pid_line(std::string_view text);

} // namespace procctl
