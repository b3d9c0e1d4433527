// Serves the streams of an output process: when which one moves, naps, waits for room, tries again after an
// error, drops, ends.
//
// Nothing here waits: epoll tells of pipes and targets, and next_deadline() says when serve_due() is to be
// called. An idle stream costs neither. No stream can hold up another, but for a disk that stands still.
#pragma once

#include "daemon/output/daemon_link.h"
#include "daemon/output/record.h"
#include "daemon/output/stream.h"
#include "daemon/output/stream_timers.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace procctl::output {

class stream_service {
public:
    using time_point = std::chrono::steady_clock::time_point;

    // Both are borrowed.
    stream_service(int epoll, daemon_link& daemon) : epoll_(epoll), daemon_(daemon) {}

    // The record that streams are noted in, and the slot of this process in it.
    [[nodiscard]] result<void> use_record(unique_fd, std::uint32_t own_slot);
    // To be called when the loop has woken up; serving it keeps itself up to date.
    void set_now(time_point now) { now_ = now; }
    // The loop is about to sleep: nothing is under way.
    void rest();

    void open(const open_stream&, unique_fd pipe);
    // Null when there is none of that name.
    [[nodiscard]] stream* find(std::uint32_t slot, stream_id);
    void for_each(const std::function<void(stream&)>&);
    [[nodiscard]] std::size_t size() const { return count_; }

    // To be forgotten when the pipe is empty and has no writer any more.
    void close(stream&);
    // No writer is waited for: every stream ends when its pipe is empty.
    void close_all();
    // Nobody will close a stream any more: it is over when its last writer is.
    void lose_daemon();

    // epoll has told of the pipe, or of the target.
    void pipe_ready(std::uint32_t slot);
    void target_ready(std::uint32_t slot);
    // Those whose time has come. A file that is rotated by its age counts as well.
    void serve_due();
    [[nodiscard]] time_point next_deadline() const; // time_point::max(): none
    // Times that are waited for: a few for each stream, whatever happens to it.
    [[nodiscard]] std::size_t timers() const { return timers_.size() + rotations_.size(); }

    void set_pid(stream&, pid_t); // output::set_pid
    // What the pipe holds now is taken also where it ends no line. Returns what `moved` will be then.
    std::uint64_t take_all(stream&);
    // Writes all that the pipe holds at this moment, unless the target does not take it, ends the line, and
    // answers with the run's last bytes.
    [[nodiscard]] run_finished finish_run(stream&, std::uint32_t tag);
    [[nodiscard]] int rotate(stream&); // 0 or an errno
    void reopen_all();

    [[nodiscard]] time_point last_progress() const { return last_progress_; }

    // What epoll's data says: a slot's pipe, or its target.
    [[nodiscard]] static constexpr std::uint64_t pipe_key(std::uint32_t slot)
    {
        return std::uint64_t{slot} * 2;
    }
    [[nodiscard]] static constexpr std::uint64_t target_key(std::uint32_t slot)
    {
        return std::uint64_t{slot} * 2 + 1;
    }

private:
    [[nodiscard]] stream* at(std::uint32_t slot);
    void serve(stream&);
    void serve(stream&, std::size_t most);
    // So many bytes of it are of runs that have ended; UINT64_MAX: all; 0: it is not known how many.
    [[nodiscard]] std::uint64_t end_of_last_run(const stream&);
    void after_move(stream&, std::size_t bytes);
    void after_emptying(stream&, bool has_writer);
    void after_error(stream&, step, int errno_value);
    void drop(stream&);
    void forget(stream&);

    void arm(stream&, bool wanted);
    void again(stream&, time_point when);
    void pause(stream&);
    void await_line(stream&);
    void await_room(stream&);
    void close_target(stream&);
    void wake_sharers(const stream&);
    void await_rotation(stream&);

    void begin_work();
    void note(const stream&);
    void report(stream&, step, int errno_value);
    void report_recovery(stream&);
    void report_notices(stream&);

    int epoll_;
    daemon_link& daemon_;
    record_writer record_;
    bool has_record_ = false;
    std::uint32_t own_slot_ = 0;
    bool is_stopping_ = false;
    shared_targets targets_;
    std::vector<std::unique_ptr<stream>> streams_; // by slot
    std::size_t count_ = 0;
    stream_timers timers_;    // an entry that is not its stream's deadline is void
    stream_timers rotations_; // by age; likewise of its rotation_look
    time_point now_;
    time_point last_progress_;
};

} // namespace procctl::output
