// Runs helpers: short-lived processes of the same binary that do what may block (design: nothing blocks the
// loop).
//
// A helper is `procctld --helper TASK ARGUMENTS…`; helper_main.h has the tasks. It can hang, crash or babble:
// that ends its one task with an error and nothing else.
#pragma once

#include "common/exit_status.h"
#include "common/result.h"
#include "common/time.h"
#include "common/unique_fd.h"
#include "daemon/os/foreign_descriptors.h"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace procctl {

// What a helper has brought.
struct helper_delivery {
    std::string text;
    foreign_descriptors descriptors; // in the order of sending; close-on-exec
};

class helper_runner {
    struct impl;
    struct collection;

public:
    // Stands for a helper that waits. Going out of scope, it calls the helper off.
    class watch_token {
    public:
        watch_token() = default;
        ~watch_token() { cancel(); }
        watch_token(watch_token&&) noexcept = default;
        watch_token& operator=(watch_token&&) noexcept;

        // Kills the helper, unless it has ended; `done` is not called any more.
        void cancel();

    private:
        friend helper_runner;
        std::weak_ptr<impl> runner_;
        std::weak_ptr<collection> helper_;
    };

    // Puts a child under the reaper's eye; the function is called once, when it is reaped.
    using watch_function =
        std::function<void(pid_t, unique_fd pidfd, std::function<void(const process_end&)> ended)>;

    helper_runner(boost::asio::io_context&, watch_function watch);
    ~helper_runner();
    helper_runner(const helper_runner&) = delete;
    helper_runner& operator=(const helper_runner&) = delete;

    // Runs a task, at most 16 at a time, and collects what it writes to its standard output, at most 64 MiB.
    // `done` is called once, in the loop, with the text, or with an error when the helper did not exit with
    // status 0 or took longer than `limit` (it is then killed).
    void collect(std::vector<std::string> task, duration limit,
                 std::function<void(result<std::string>)> done);

    // The same for a task that waits for something to happen: at most 256 at a time, apart from the others;
    // more wait for their turn, and the limit counts from then on. Infinity: none.
    [[nodiscard]] watch_token watch(std::vector<std::string> task, duration limit,
                                    std::function<void(result<std::string>)> done);

    // The same as `watch`, 256 of its own, for a task that brings descriptors, by send_with_descriptors to
    // its standard output: at most 3, and 64 KiB of text. With an error, and when it is called off, all that
    // it has sent are closed.
    [[nodiscard]] watch_token fetch(std::vector<std::string> task, duration limit,
                                    std::function<void(result<helper_delivery>)> done);

    // Runs a task that talks to `socket` (its standard input) by itself and ends by itself. At most 64 of
    // them run at a time; one more is an error, and is told so by a 503 response.
    [[nodiscard]] result<void> detach(std::vector<std::string> task, unique_fd socket);

private:
    struct lane;
    watch_token wait_for(lane&, std::shared_ptr<collection>);
    static void start_waiting(const std::shared_ptr<impl>&, lane&);
    static void start(const std::shared_ptr<impl>&, lane&, const std::shared_ptr<collection>&);
    std::shared_ptr<impl> impl_;
};

} // namespace procctl
