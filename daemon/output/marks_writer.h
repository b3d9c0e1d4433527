// Writes the time marks of a log (common/time_marks.h). A hint for readers: what cannot be written is left
// out, and no error is told.
//
// The file is open for no longer than a mark takes: at most one a second is written.
#pragma once

#include "common/time.h"
#include "common/time_marks.h"

#include <cstdint>
#include <string>

namespace procctl::output {

class marks_writer {
public:
    // Bytes were written to the log of that inode number, at this offset. Calls cost nothing within a second.
    void note(const std::string& log, std::uint64_t ino, std::uint64_t offset, wall_time now);
    // The log was cut at `cut`, its marks have been renamed with it, and what followed begins the log of that
    // inode number.
    void follow(const std::string& log, const std::string& rotated, std::uint64_t ino, std::uint64_t cut);

private:
    [[nodiscard]] bool append(const std::string& log, time_mark);

    std::uint64_t ino_ = 0; // of the log that last_ is of; 0: none
    time_mark last_;
    wall_time pause_until_; // after an error
};

// Gives the log's marks to a rotated file, if they are of that file: a killed process has not renamed them.
void keep_marks(const std::string& log, const std::string& rotated);

} // namespace procctl::output
