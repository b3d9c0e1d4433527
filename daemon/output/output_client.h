// The daemon's side of the output process: makes the pipes that programs write into, keeps both ends, and has
// the output process move what arrives to its file.
//
// The daemon never reads a program's output and never opens a log file. If the output process dies another
// one is started and goes on from the recorded positions; the pipes, held here, keep every byte meanwhile.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"
#include "daemon/output/stream_id.h"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace procctl {

// What the output process said about a stream.
struct stream_report {
    stream_id id = 0;
    std::string path;
    int errno_value = 0; // 0: it works again
    std::string message; // for people: "cannot write /var/log/procctl/web.log: No space left on device"
};

class output_client {
public:
    struct settings {
        std::string executable; // of the output process: this same binary
        std::string log_file;   // the daemon's own log; empty: none
        bool console = true;    // the daemon's own log also goes to its stderr
    };
    struct handlers {
        std::function<void(const stream_report&)> stream_reported;
        // The output process has ended, by whatever cause; a new one is started by itself.
        std::function<void(const std::string& how)> process_ended;
        // A process to be watched by the reaper: call child_ended with the same pid when it is reaped.
        std::function<void(pid_t, unique_fd pidfd)> process_started;
    };

    output_client(boost::asio::io_context&, settings, handlers);
    ~output_client();
    output_client(const output_client&) = delete;
    output_client& operator=(const output_client&) = delete;

    // Starts the output process. Call once, before the first stream.
    [[nodiscard]] result<void> start();
    void child_ended(pid_t, const std::string& how);
    [[nodiscard]] pid_t process_id() const; // 0 while none runs

    // A stream: a pipe, and the file its bytes are appended to (made, folders too, with mode 0640/0750, when
    // missing).
    [[nodiscard]] result<stream_id> open(std::string path);
    [[nodiscard]] const std::string& path_of(stream_id) const; // of an open stream
    // The pipe's end for a child's stdout and stderr; borrowed, valid until close.
    [[nodiscard]] int write_end(stream_id) const;
    // What is still in the pipe is written, then file and pipe are closed.
    void close(stream_id);

    // A line of the daemon's own log, without its newline. Never blocks: when the pipe is full the line is
    // dropped and counted, and the count is logged once there is room.
    void log_line(std::string_view line);
    // Lines dropped since the start: the larger count of log file and console.
    [[nodiscard]] std::uint64_t dropped_log_lines() const;

    // Completes when all that the pipes hold at this moment is written (or at the latest after `limit_ms`):
    // for the daemon's end.
    void drain(unsigned limit_ms, std::function<void()> done);
    // Asks the output process to end once its pipes are empty. The last call: what is logged after it is
    // lost.
    void stop();

    // For a handover: the record (docs/output.md), and a stream's place in it and read end. Borrowed.
    [[nodiscard]] int record() const;
    [[nodiscard]] std::uint32_t slot(stream_id) const;
    [[nodiscard]] int read_end(stream_id) const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

// The output process's main function: `procctld --output-process`, with its socket as standard input.
[[nodiscard]] int output_process_main();

} // namespace procctl
