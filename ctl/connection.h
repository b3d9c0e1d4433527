// The way to the daemon, as the commands see it. client.h has the real one, tests a fake.
#pragma once

#include "common/result.h"

#include <functional>
#include <string>
#include <string_view>

namespace procctl::ctl {

struct api_reply {
    unsigned status = 200;
    std::string body;
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
    // reply.
    [[nodiscard]] virtual result<api_reply> stream(std::string_view target,
                                                   const std::function<void(std::string_view)>& piece) = 0;
    // Returns once the daemon has closed the connection that the last request left open; at once if there is
    // none.
    virtual void wait_until_closed() = 0;
    // What is connected to, for messages.
    [[nodiscard]] virtual const std::string& socket() const = 0;
};

} // namespace procctl::ctl
