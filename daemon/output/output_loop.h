// The loop of the output process: takes orders from the daemon, and moves bytes from pipes to files.
//
// It sleeps in epoll_wait and nowhere else, with a time limit only while some stream naps or waits to try
// again: idle streams cost no wake-ups. No stream can hold up another, but for a disk that stands still.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"
#include "daemon/output/message.h"
#include "daemon/output/record.h"

#include <memory>

namespace procctl::output {

class output_loop {
public:
    // `socket` leads to the daemon; `epoll` is a new epoll instance.
    output_loop(unique_fd socket, unique_fd epoll);
    ~output_loop();
    output_loop(const output_loop&) = delete;
    output_loop& operator=(const output_loop&) = delete;

    // Returns when told to stop and all pipes are empty, or when the daemon is gone and every pipe has lost
    // its last writer. The error is for people: the daemon speaks another version, or epoll fails.
    [[nodiscard]] result<void> run();

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace procctl::output
