// Which files are to be opened for a process's descriptors 0, 1 and 2, in which order and how: the rules of
// systemd.exec(5) for StandardInput=, StandardOutput= and StandardError= with `file:`, `append:` and
// `truncate:`. Pure; open_task.h does it.
#pragma once

#include "common/log_settings.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace procctl {

// The choices of one program. Paths are absolute, their specifiers expanded. Choices that are no files (log,
// data, …) may be among them and open nothing.
struct stream_choices {
    input_choice standard_input{};
    output_choice standard_output{};
    output_choice standard_error{};
    unsigned umask = 0022; // the program's: files that are made get mode 0666 less this
};

enum class file_access {
    read,       // must exist
    read_write, // from its beginning; made where it does not exist, as by all that follow
    write,      // from its beginning, without truncation
    append,
    truncate,
};

// One open(2). Streams that share it share a position, so that they do not write over each other.
struct stream_file {
    file_access access = file_access::read;
    std::string path;
    std::array<bool, 3> is_for{}; // standard input, output, error: at least one

    friend bool operator==(const stream_file&, const stream_file&) = default;
};

// In the order in which systemd opens them: that of the lowest stream of each. At most three; none: there is
// nothing to open.
//
// Standard input and output with `file:` and the same path share one description, open for both; so do output
// and error with the same choice and path. `inherit` takes what the stream before it has: standard error that
// of output, output that of input (which can then only be read, as systemd has it).
[[nodiscard]] std::vector<stream_file> files_to_open(const stream_choices&);

[[nodiscard]] std::string_view to_text(file_access);

} // namespace procctl
