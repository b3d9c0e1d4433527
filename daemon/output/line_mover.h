// Moves a stream's bytes line by line: to a file with times or as JSON, to the journal, to syslog.
//
// Where bytes are looked at they pass through this process: one that is killed here loses what it has read
// and not yet written (docs/output.md says how much). take() never waits, but for a disk.
#pragma once

#include "common/time.h"
#include "daemon/output/outcome.h"
#include "daemon/output/stream_settings.h"

#include <cstddef>
#include <memory>
#include <string>

#include <sys/types.h>

namespace procctl::output {

class target;

class line_mover {
public:
    // Whether such a stream needs one: it does not when bytes go to a file as they are.
    [[nodiscard]] static bool is_needed(const stream_settings&);
    // `file` is the target of a stream to a file, shared with other streams of the same path; else null.
    [[nodiscard]] static std::unique_ptr<line_mover> make(const stream_settings&,
                                                          std::shared_ptr<target> file);

    line_mover() = default;
    line_mover(const line_mover&) = delete;
    line_mover& operator=(const line_mover&) = delete;
    virtual ~line_mover() = default;

    // Reads up to `most` bytes and passes on the lines that are whole, and the pieces of one that is very
    // long. What the target refuses is kept, and is passed on first by the next call, which reads nothing
    // before that has succeeded. outcome::bytes: what was read, but for what is held(); that follows when it
    // is passed on.
    [[nodiscard]] virtual outcome take(int pipe, std::size_t most, wall_time now) = 0;
    // The program has ended: what it wrote of an unfinished line is passed on as a line. status::moved when
    // nothing is held any more; otherwise it is tried again by the next call of this or of take().
    [[nodiscard]] virtual outcome finish(wall_time now) = 0;
    // Bytes that were read and that the target has refused, so far. An unfinished line is not among them: it
    // waits for the program, not for the target.
    [[nodiscard]] virtual std::size_t held() const = 0;
    // Bytes that were passed on and of which no outcome has told, for it told of a refusal: once each.
    [[nodiscard]] virtual std::size_t take_untold() = 0;
    // Throws away what is held, and an unfinished line.
    virtual void drop_held() = 0;
    // To poll for POLLOUT after target_full; -1: none is open.
    [[nodiscard]] virtual int descriptor() const = 0;
    virtual void close() = 0; // the target is opened anew by the next take()
    // Of the main process, for what is written from here on; 0: none.
    virtual void set_pid(pid_t) = 0;
    // The last bytes that were read, at most stream_settings::tail_size.
    [[nodiscard]] virtual std::string tail() const = 0;
};

} // namespace procctl::output
