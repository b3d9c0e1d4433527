// The daemon's end of one output process: starts it, queues orders for it, hears its replies, and starts
// another when it dies.
//
// It knows nothing of streams: what there is to say is the client's business, and is turned into bytes when
// its turn comes.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"
#include "daemon/output/message.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include <sys/types.h>

namespace procctl::output {

class output_worker {
public:
    // An order to be sent. Its bytes are made when its turn comes.
    struct queued {
        enum class kind : std::uint8_t {
            hello,
            open,
            close,
            set_pid,
            finish,
            rotate,
            reopen,
            drain,
            stop
        } what;
        std::uint64_t value = 0; // the stream's id, or a tag
    };
    struct handlers {
        // Sends the order, or says why not (message_socket.h). One that has become pointless is not sent.
        std::function<result<void>(int socket, const queued&)> send;
        // A new process runs: queue what it must know.
        std::function<void()> tell_all;
        std::function<void(const reply&)> hear;
        // A process to be watched by the reaper: call child_ended with the same pid when it is reaped.
        std::function<void(pid_t, unique_fd pidfd)> started;
        // It has ended, or could not be started.
        std::function<void(const std::string& how)> ended;
        // Whether another is to be started.
        std::function<bool()> is_needed;
    };

    output_worker(boost::asio::io_context&, std::string executable, handlers);
    output_worker(const output_worker&) = delete;
    output_worker& operator=(const output_worker&) = delete;

    [[nodiscard]] result<void> start();
    // The same; what goes wrong is told by handlers::ended, and tried again.
    void start_or_retry();
    void child_ended(const std::string& how);
    [[nodiscard]] pid_t process_id() const { return pid_; } // 0: none runs

    // Ignored while none runs: tell_all will say it.
    void enqueue(queued);

private:
    template <class Body> auto guarded(Body);
    void restart_later();
    void send_queue();
    void after_refusal(int problem);
    void await_replies();
    [[nodiscard]] bool receive_replies(); // false: the other end is gone

    std::string executable_;
    handlers tell_;
    pid_t pid_ = 0;
    std::chrono::steady_clock::time_point started_at_;
    std::chrono::milliseconds pause_{0};
    boost::asio::posix::stream_descriptor socket_;
    std::deque<queued> queue_;
    bool is_sending_ = false; // waits for room in the socket
    boost::asio::steady_timer retry_, restart_;
    // A handler that runs after us, or after the process that it belongs to, finds this gone or another.
    std::shared_ptr<int> life_ = std::make_shared<int>(0);
};

} // namespace procctl::output
