// The daemon's own log on its way to the output process: a pipe that is never waited for.
//
// Lines are gathered and written at flush(), many at once. What the pipe does not take is kept up to a bound;
// lines beyond it are dropped and counted, and a line in the log says how many once there is room.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace procctl::output {

class log_pipe {
public:
    static constexpr std::size_t bound = 256U << 10U; // kept beside what is in the pipe

    // The write end, which is made non-blocking.
    log_pipe(boost::asio::io_context&, unique_fd write_end);

    void add(std::string_view line);
    // Writes what the pipe takes; the rest follows by itself when there is room.
    void flush();
    // For the end: waits for room, `limit_ms` in all.
    void flush_and_wait(int limit_ms);

    [[nodiscard]] std::uint64_t dropped() const { return dropped_in_all_; }

private:
    [[nodiscard]] bool write_some(); // false: the pipe is full
    void say_what_was_dropped();

    boost::asio::posix::stream_descriptor pipe_;
    std::string kept_;
    std::size_t written_ = 0; // of kept_
    std::uint64_t dropped_ = 0, dropped_in_all_ = 0;
    bool is_waiting_ = false;
    std::shared_ptr<char> life_ = std::make_shared<char>(); // handlers that outlive us see it gone
};

} // namespace procctl::output
