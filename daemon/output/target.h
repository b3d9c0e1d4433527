// Where a stream's bytes go: a file, most of all, but also a FIFO, a terminal, a device, a socket.
//
// take() moves bytes from a pipe to it, put() bytes of this process. Neither waits: not for the pipe, and not
// for a reader of the target. Only a disk can make them wait. With take() bytes leave the pipe when they are
// written and not before, so that a process killed in the middle neither loses nor doubles one; where
// splice(2) is refused (docs/output.md lists the cases) at most one piece of `copy_size` bytes is in the
// process's hands.
//
// A regular file is rotated (rotation.h), and noticed to have gone: by name, once a second while it is
// written. `now` is the wall clock's time; it may be set back.
#pragma once

#include "common/time.h"
#include "common/unique_fd.h"
#include "daemon/output/file_settings.h"
#include "daemon/output/marks_writer.h"
#include "daemon/output/notice.h"
#include "daemon/output/outcome.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace procctl::output {

class target {
public:
    // A write of up to PIPE_BUF bytes to a pipe that poll(2) calls writable does not block (pipe(7)).
    static constexpr std::size_t copy_size = 4096;

    struct happening {
        notice_kind what = notice_kind::rotated;
        int errno_value = 0;
        std::string path;

        friend bool operator==(const happening&, const happening&) = default;
    };

    explicit target(std::string path, file_settings = {});

    // From now on, and for files that are made from now on.
    void use_settings(const file_settings&);

    // Opens the path at its end: made, with the settings' mode and owner and folders with 0750, when missing;
    // ends a rotation that was broken off. Returns 0 or an errno. Called by take() and put() when it is not
    // open.
    [[nodiscard]] int open();
    void close();
    [[nodiscard]] bool is_open() const { return bool(file_.fd); }
    // Looks up the path anew: another file than the one that is open is opened. When that fails (errno) the
    // old one stays.
    [[nodiscard]] int reopen();

    // Moves up to `most` bytes. Fewer when the file would pass its size: the next call rotates it.
    [[nodiscard]] outcome take(int pipe, std::size_t most, wall_time now);
    // Writes the bytes, or as many of the first as it takes: outcome::bytes. They stay in one file, unless a
    // disk fills in the middle of them.
    [[nodiscard]] outcome put(std::string_view bytes, wall_time now);
    // Bytes that take() has read and could not write yet (never more than copy_size).
    [[nodiscard]] std::size_t held() const { return held_.size(); }
    void drop_held() { held_ = {}; }

    // At once, whatever its size; an empty file is left. Returns 0 or an errno: ENOTSUP for what is no
    // regular file, or is one of those that the daemon was started with.
    [[nodiscard]] int rotate(wall_time now);
    // When it is to be rotated for its age, or that is to be tried again; max(): never.
    [[nodiscard]] wall_time rotates_at() const;

    // What has happened to it since the last call.
    [[nodiscard]] bool has_notices() const { return !notices_.empty(); }
    [[nodiscard]] std::vector<happening> take_notices();

    // The last bytes of the file and, where it has fewer, of the rotated one before; empty when it cannot be
    // read.
    [[nodiscard]] std::string tail(std::size_t most) const;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] int descriptor() const { return file_.fd.get(); }
    // Of the regular file that is open; 0 for anything else.
    [[nodiscard]] std::uint64_t dev() const { return file_.dev; }
    [[nodiscard]] std::uint64_t ino() const { return file_.ino; }
    [[nodiscard]] std::uint64_t position() const { return file_.position; }

private:
    enum class way : std::uint8_t {
        splice_to_file,   // a regular file: at an offset that is looked up each time
        splice_to_stream, // a FIFO, a terminal, a device: a description of our own that does not block
        copy,             // read and write; the description does not block
        copy_polled,      // the same with a description shared with others, which may block
        copy_to_socket,
    };
    struct opened {
        unique_fd fd;
        std::uint64_t dev = 0, ino = 0, position = 0; // of a regular file that is ours
        wall_time begun;
        way how = way::splice_to_file;
    };

    [[nodiscard]] int open_path(opened&);
    [[nodiscard]] static int open_inherited(int fd, opened&);
    [[nodiscard]] static int classify(opened&);
    [[nodiscard]] bool is_file() const { return file_.ino != 0; }
    [[nodiscard]] int find_end(wall_time now);
    [[nodiscard]] bool is_replaced(wall_time now);
    void replace(opened&&);
    [[nodiscard]] std::size_t room_for(int pipe, std::size_t most, wall_time now);
    [[nodiscard]] std::uint64_t largest_size() const;
    void note_begin(wall_time now);
    [[nodiscard]] bool is_old(wall_time now) const;
    void keep_limits(std::uint64_t more, wall_time now);
    [[nodiscard]] int rotate_file_now(wall_time now);
    void note_rotation_failure(int errno_value, wall_time now);
    void prune(std::uint64_t more);

    [[nodiscard]] outcome splice_to_file(int pipe, std::size_t most);
    [[nodiscard]] outcome splice_to_stream(int pipe, std::size_t most);
    [[nodiscard]] outcome copy(int pipe, std::size_t most);
    [[nodiscard]] outcome write(std::string_view);
    [[nodiscard]] outcome write_held();
    [[nodiscard]] int append_from_now_on();

    std::string path_;
    std::string held_;
    file_settings settings_;
    opened file_;
    marks_writer marks_;
    std::vector<happening> notices_;
    std::uint64_t last_number_ = 0;   // of the last rotated file
    std::uint64_t prunes_at_ = 0;     // size of the file from which on all of them together are too large
    std::int64_t looked_at_path_ = 0; // seconds of `now`
    wall_time retries_at_;            // after a rotation that failed
    duration retry_pause_{};          // zero: the last one did not fail
};

// The bytes that a pipe holds.
[[nodiscard]] std::size_t bytes_in(int pipe);

} // namespace procctl::output
