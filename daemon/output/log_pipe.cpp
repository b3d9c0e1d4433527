#include "daemon/output/log_pipe.h"

#include <algorithm>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace procctl::output {

log_pipe::log_pipe(boost::asio::io_context& io, unique_fd write_end) : pipe_(io, write_end.release())
{
    ::fcntl(pipe_.native_handle(), F_SETFL, O_NONBLOCK);
}

void log_pipe::add(std::string_view line)
{
    // Once lines were dropped, half of the bound must be free before they are taken again: one notice for
    // many lines, not one for each.
    const std::size_t waiting = kept_.size() - written_;
    const std::size_t allowed = dropped_ == 0 ? bound : bound / 2;
    if (waiting + line.size() + 1 > allowed) {
        ++dropped_;
        ++dropped_in_all_;
        return;
    }
    say_what_was_dropped();
    kept_ += line;
    kept_ += '\n';
}

void log_pipe::say_what_was_dropped()
{
    if (dropped_ == 0) return;
    kept_ += "procctld: " + std::to_string(dropped_) +
             " lines of this log were dropped here, for nothing took them\n";
    dropped_ = 0;
}

bool log_pipe::write_some()
{
    for (;;) {
        if (written_ == kept_.size() && dropped_ != 0) say_what_was_dropped();
        if (written_ == kept_.size()) break;
        const ssize_t wrote =
            ::write(pipe_.native_handle(), kept_.data() + written_, kept_.size() - written_);
        if (wrote >= 0)
            written_ += static_cast<std::size_t>(wrote);
        else if (errno == EAGAIN)
            return false;
        else if (errno != EINTR)
            break; // no one can read it any more
    }
    written_ = 0;
    if (kept_.capacity() > 4096)
        kept_ = {};
    else
        kept_.clear();
    return true;
}

void log_pipe::flush()
{
    if (is_waiting_ || write_some()) return;
    kept_.erase(0, written_);
    written_ = 0;
    is_waiting_ = true;
    pipe_.async_wait(pipe_.wait_write,
                     [this, life = std::weak_ptr(life_)](const boost::system::error_code& problem) {
                         if (problem || life.expired()) return;
                         is_waiting_ = false;
                         flush();
                     });
}

void log_pipe::flush_and_wait(int limit_ms)
{
    constexpr int step_ms = 10;
    while (!write_some() && limit_ms > 0) {
        pollfd room{pipe_.native_handle(), POLLOUT, 0};
        const int wait = std::min(step_ms, limit_ms);
        if (::poll(&room, 1, wait) == 0) limit_ms -= wait;
    }
}

} // namespace procctl::output
