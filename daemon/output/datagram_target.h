// A socket that takes messages: the journal's, or that of the system's log.
//
// Never waits. It is connected when something is sent, and anew after an error or when its other end has been
// started again. Where a path leads to a socket of type SOCK_STREAM, as /dev/log may, a NUL ends each
// message, as syslog(3) has it.
#pragma once

#include "common/unique_fd.h"
#include "daemon/output/outcome.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace procctl::output {

class datagram_target {
public:
    explicit datagram_target(std::string path) : path_(std::move(path)) {}

    // Sends one message whole, or not at all. status::moved: it is sent, or, in a stream, taken over (then
    // flush() sends the rest); `bytes` is its size. target_full: nothing was sent, poll descriptor().
    // cannot_open and cannot_write: nothing was sent, errno_value says why, and the next call tries again
    // from the start. A message that is too large for the socket goes in a sealed memfd, which the journal
    // understands (and syslog's messages are too small to need).
    [[nodiscard]] outcome send(std::string_view message);
    // status::moved when nothing is left of what was taken over.
    [[nodiscard]] outcome flush();
    [[nodiscard]] std::size_t held() const { return unsent_.size() - sent_; }

    [[nodiscard]] int descriptor() const { return fd_.get(); }
    void close(); // a message that was sent in part is sent again, whole

private:
    [[nodiscard]] int connect();
    [[nodiscard]] int send_once(std::string_view message);
    [[nodiscard]] int send_in_memfd(std::string_view message);
    [[nodiscard]] int write_unsent();

    std::string path_;
    std::string unsent_;   // of a stream: the message that is under way, with its NUL
    std::size_t sent_ = 0; // of it
    unique_fd fd_;
    bool is_stream_ = false;
};

} // namespace procctl::output
