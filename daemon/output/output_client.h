// The daemon's side of output: makes the pipes that programs write into, keeps both ends, and has output
// processes move what arrives to where it belongs. One process for each file system that is written to, so
// that a disk that stands still holds up only those who write there.
//
// The daemon never reads a program's output and never opens a log file. If an output process dies another one
// is started and goes on from the recorded positions; the pipes, held here, keep every byte meanwhile.
#pragma once

#include "common/result.h"
#include "common/time.h"
#include "common/unique_fd.h"
#include "daemon/output/stream_id.h"
#include "daemon/output/stream_settings.h"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace procctl {

// What an output process said about a stream.
struct stream_report {
    enum class kind {
        trouble,   // the bytes wait, or are dropped, and it is tried again
        recovered, // it works again
        rotated,   // `path` is the rotated file
        notice,    // something else that people should know
    };
    kind what = kind::notice;
    stream_id id = 0;
    std::string path;
    int errno_value = 0;
    std::string message; // for people: "cannot write /var/log/procctl/web.log: No space left on device"
};

// How a stream is doing.
struct stream_health {
    std::string trouble;       // as in stream_report::message; empty: none
    wall_time since{};         // of the trouble
    std::uint64_t dropped = 0; // bytes, under on_log_error: drop
};

class output_client {
public:
    // The place of what is no file: it never stalls.
    static constexpr std::string_view no_disk = "no disk";

    struct settings {
        std::string executable; // of the output process: this same binary
        std::string log_file;   // the daemon's own log; empty: none
        bool console = true;    // the daemon's own log also goes to its stderr
        // Tells where a path leads: the same text for paths on the same file system. Asked for each file, and
        // answered later or at once; without it there is one output process for all.
        std::function<void(const std::string& path, std::function<void(std::string place)>)> find_place = {};
    };
    struct handlers {
        std::function<void(const stream_report&)> stream_reported;
        // An output process has ended, by whatever cause; a new one is started by itself where one is needed.
        std::function<void(const std::string& how)> process_ended;
        // A process to be watched by the reaper: call child_ended with the same pid when it is reaped.
        std::function<void(pid_t, unique_fd pidfd)> process_started;
        // After stop(): the last one has ended.
        std::function<void()> all_ended = {};
    };

    output_client(boost::asio::io_context&, settings, handlers);
    ~output_client();
    output_client(const output_client&) = delete;
    output_client& operator=(const output_client&) = delete;

    // Starts the first output process. Call once, before the first stream.
    [[nodiscard]] result<void> start();
    void child_ended(pid_t, const std::string& how);
    [[nodiscard]] std::vector<pid_t> process_ids() const;

    // A stream: a pipe, and where its bytes go (files and folders are made when missing).
    [[nodiscard]] result<stream_id> open(const stream_settings&);
    // Whether an open stream was opened with just these.
    [[nodiscard]] bool has_settings(stream_id, const stream_settings&) const;
    // The pipe's end for a child's stdout and stderr; borrowed, valid until close.
    [[nodiscard]] int write_end(stream_id) const;
    // What is still in the pipe is written, then file and pipe are closed.
    void close(stream_id);
    [[nodiscard]] stream_health health(stream_id) const;

    // Of the process that writes from now on; 0: it is about to be made, and what it writes waits to be told
    // whose it is (at most 100 ms).
    void set_pid(stream_id, pid_t);
    // A run has ended. `settled` is called once all that the pipe holds at this moment is written, at the
    // latest after 100 ms, and at once where a disk is known to stand still; `tail` once it is known what the
    // run wrote last (stream_settings::tail_size), which may be later, or never.
    struct finish_handlers {
        std::function<void()> settled;
        std::function<void(std::string)> tail;
    };
    void finish(stream_id, finish_handlers);
    // For streams of lines. Whether a run writes to the stream from now on: to be told before it begins, and
    // before the last one's end is told to finish(). Where lines matter finish() ends an unfinished one, and
    // not one of the next run.
    void set_run(stream_id, bool writes);
    // Rotates the stream's file. `done` gets 0 or an errno: ENOTSUP when it is no regular file, ETIMEDOUT
    // when the disk did not answer within five seconds.
    void rotate(stream_id, std::function<void(int errno_value)> done);
    // Every path is looked up anew: somebody has moved the files.
    void reopen_all();

    // A line of the daemon's own log, without its newline. Never blocks: when the pipe is full the line is
    // dropped and counted, and the count is logged once there is room.
    void log_line(std::string_view line);
    // Lines dropped since the start: the larger count of log file and console.
    [[nodiscard]] std::uint64_t dropped_log_lines() const;

    // Completes when all that the pipes hold at this moment is written, or at the latest after `limit_ms`:
    // for the daemon's end. `unwritten` are the targets then that did not take everything in time.
    void drain(unsigned limit_ms, std::function<void(std::vector<std::string> unwritten)> done);
    // Asks the output processes to end once their pipes are empty. The last call: what is logged after it is
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
