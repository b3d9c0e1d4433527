// What became of an attempt to move bytes from a pipe to where they belong.
#pragma once

#include <cstddef>

namespace procctl::output {

struct outcome {
    enum class status {
        moved, // `bytes` were taken out of the pipe; fewer than asked for usually means that it is empty now
        pipe_empty,      // nothing to move
        pipe_ended,      // nothing to move, and no writer is left
        line_unfinished, // what the pipe holds is the beginning of a line, which is to stay whole
        target_full,     // the target takes nothing now: poll its descriptor for POLLOUT
        cannot_open,     // errno_value says why; the pipe keeps the bytes
        cannot_write,    // likewise
    };
    status what = status::moved;
    std::size_t bytes = 0;
    int errno_value = 0;
};

} // namespace procctl::output
