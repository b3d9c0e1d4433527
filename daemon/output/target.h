// Where a stream's bytes go: a file, most of all, but also a FIFO, a terminal, a device, a socket.
//
// take() moves bytes from a pipe to it and never waits: not for the pipe, and not for a reader of the target.
// Only a disk can make it wait. Bytes leave the pipe when they are written and not before, so that a process
// killed in the middle neither loses nor doubles one; where splice(2) is refused (docs/output.md lists the
// cases) at most one piece of `copy_size` bytes is in the process's hands.
#pragma once

#include "common/unique_fd.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace procctl::output {

class target {
public:
    // A write of up to PIPE_BUF bytes to a pipe that poll(2) calls writable does not block (pipe(7)).
    static constexpr std::size_t copy_size = 4096;

    enum class status {
        moved,        // `bytes` were written; fewer than asked for usually means that the pipe is empty now
        pipe_empty,   // nothing to move
        pipe_ended,   // nothing to move, and no writer is left
        target_full,  // the target takes nothing now: poll descriptor() for POLLOUT
        cannot_open,  // errno_value says why; the pipe keeps the bytes
        cannot_write, // likewise
    };
    struct outcome {
        status what = status::moved;
        std::size_t bytes = 0;
        int errno_value = 0;
    };

    explicit target(std::string path);

    // Opens the path at its end: made with mode 0640, folders with 0750, when missing. Returns 0 or an errno.
    // Called by take() when it is not open.
    [[nodiscard]] int open();
    void close();
    [[nodiscard]] bool is_open() const { return bool(fd_); }

    // Moves up to `most` bytes. Notices, before it writes, that a file was truncated, removed or moved away,
    // and goes on at its end, or in a new one.
    [[nodiscard]] outcome take(int pipe, std::size_t most);

    // Bytes that were read and could not be written yet (never more than copy_size).
    [[nodiscard]] std::size_t held() const { return held_.size(); }
    void drop_held() { held_ = {}; }

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] int descriptor() const { return fd_.get(); }
    // Of the regular file that is open; 0 for anything else.
    [[nodiscard]] std::uint64_t dev() const { return dev_; }
    [[nodiscard]] std::uint64_t ino() const { return ino_; }
    [[nodiscard]] std::uint64_t position() const { return position_; }

private:
    enum class way : std::uint8_t {
        splice_to_file,   // a regular file: at an offset that is looked up each time
        splice_to_stream, // a FIFO, a terminal, a device: a description of our own that does not block
        copy,             // read and write; the description does not block
        copy_polled,      // the same with a description shared with others, which may block
        copy_to_socket,
    };

    [[nodiscard]] int open_inherited(int fd);
    [[nodiscard]] int classify();
    [[nodiscard]] bool was_replaced();
    [[nodiscard]] outcome splice_to_file(int pipe, std::size_t most);
    [[nodiscard]] outcome splice_to_stream(int pipe, std::size_t most);
    [[nodiscard]] outcome copy(int pipe, std::size_t most);
    [[nodiscard]] outcome write_held();

    std::string path_;
    std::string held_;
    std::uint64_t dev_ = 0, ino_ = 0, position_ = 0;
    unique_fd fd_;
    std::uint32_t looked_at_path_ = 0; // seconds of the coarse monotonic clock
    way way_ = way::splice_to_file;
};

// The bytes that a pipe holds.
[[nodiscard]] std::size_t bytes_in(int pipe);

} // namespace procctl::output
