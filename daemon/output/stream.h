// One stream of the output process: a pipe, the way its bytes go, and what has become of them so far.
//
// It moves bytes when it is told to and decides nothing about when: output_loop does. Streams to the same
// path share one target, so that a rotation by one is a rotation for all.
#pragma once

#include "common/time.h"
#include "common/unique_fd.h"
#include "daemon/output/line_mover.h"
#include "daemon/output/message.h"
#include "daemon/output/record.h"
#include "daemon/output/tail_ring.h"
#include "daemon/output/target.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace procctl::output {

// The targets that are in use, by path.
class shared_targets {
public:
    // The last stream to be opened says how the file of its path is kept: its settings may have been changed
    // while its predecessor is still being emptied.
    [[nodiscard]] std::shared_ptr<target> at(const stream_settings&);

private:
    std::unordered_map<std::string, std::weak_ptr<target>> by_path_;
    std::size_t cleans_at_ = 64;
};

struct stream {
    using time_point = std::chrono::steady_clock::time_point;

    // `file` is null for sinks that are no file.
    stream(const open_stream& order, unique_fd read_end, std::shared_ptr<target> file);

    // outcome::bytes are to be counted as moved; those that went before a refusal are counted already.
    // What goes as it is to a file that other streams write as well is taken by whole lines, so that none of
    // theirs comes into the middle of one; up to `taken_until` it is taken all the same.
    [[nodiscard]] outcome take(std::size_t most, wall_time now);
    // An unfinished line is ended, where lines matter.
    [[nodiscard]] outcome finish_line(wall_time now);
    // The last bytes of the run, as far as they can be had, also those that are not written yet; ends the
    // run.
    [[nodiscard]] std::string take_tail();
    // Bytes in the pipe, and those that were read and are not yet written.
    [[nodiscard]] std::size_t waiting() const;
    [[nodiscard]] std::size_t held() const;
    // Throws away what is held and what the pipe holds; false: the pipe has no writer either.
    [[nodiscard]] bool drop();
    // What epoll may be asked about after outcome::target_full; -1: nothing.
    [[nodiscard]] int descriptor() const;
    void close_target();
    // As the slot of the record has it.
    [[nodiscard]] record_slot note() const;
    // A predecessor has moved so much; it may have been killed after a splice and before it could note it.
    void go_on_from(const record_slot& old);

    stream_id id;
    std::uint32_t slot;
    bool is_lossy;
    log_error_action on_error;
    std::uint32_t tail_size;
    unique_fd pipe;
    std::shared_ptr<target> file;      // null: a sink that is no file
    std::unique_ptr<line_mover> lines; // null: bytes are moved as they are

    std::optional<tail_ring> words; // of a stream that shares its file: the last bytes that it wrote
    std::uint64_t taken_until = 0;

    std::uint64_t moved = 0;     // taken out of the pipe
    std::uint64_t dropped = 0;   // of them, thrown away
    std::uint64_t run_began = 0; // what was moved when the last run ended

    bool is_armed = false;         // epoll tells when the pipe has something
    bool is_awaiting_room = false; // epoll tells when the target takes something
    bool is_closing = false;       // to be forgotten once the pipe is empty
    bool has_ended = false;        // the pipe has no writer and is empty
    bool is_in_trouble = false;
    bool has_moved = true; // since the trouble began: it is over once no more is waiting
    bool has_larger_pipe = false;
    std::uint16_t pause_ms = 0; // before the next attempt, after an error
    int errno_value = 0;        // of the trouble
    time_point deadline;        // of its timer; zero: none is set
    time_point rotation_look;   // when its file's age is looked at; zero: it is not
    time_point drops_until;     // no attempt to write before, but throwing away
    time_point last_active;
    time_point line_began; // that has no end yet; zero: there is none that is waited for

private:
    [[nodiscard]] outcome take_lines(std::size_t most, wall_time now);
    [[nodiscard]] bool shares_file() const;
};

} // namespace procctl::output
