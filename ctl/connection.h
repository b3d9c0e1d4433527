// The way to the daemon, as the commands see it. client.h has the real one, tests a fake.
#pragma once

#include "common/result.h"
#include "common/time.h"
#include "common/unique_fd.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace procctl::ctl {

struct api_reply {
    unsigned status = 200;
    std::string body;
    bool is_complete = true; // false: the connection ended in the middle of a streamed body
};

class connection {
public:
    connection() = default;
    virtual ~connection() = default;
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // The error is that of the socket; whatever the daemon answers is a reply.
    [[nodiscard]] virtual result<api_reply> request(std::string_view method, std::string_view target,
                                                    std::string_view body) = 0;
    // A GET whose body is passed on piece by piece as it comes, if the status is 200; else it is in the
    // reply. When no piece has come for so long it is given up: a log may be on a disk that stands still.
    [[nodiscard]] virtual result<api_reply> stream(std::string_view target,
                                                   const std::function<void(std::string_view)>& piece,
                                                   duration longest_wait) = 0;
    // Returns once the daemon has closed the connection that the last request left open; at once if there is
    // none.
    virtual void wait_until_closed() = 0;
    // A pidfd of the daemon's process that answered the last request, and said that it is process `pid`.
    // Empty when it cannot be had: the daemon's processes may have other numbers here (another pid
    // namespace).
    [[nodiscard]] virtual unique_fd process(std::int64_t pid) const = 0;
    // What is connected to, for messages.
    [[nodiscard]] virtual const std::string& socket() const = 0;
};

} // namespace procctl::ctl
