// HTTP over the daemon's Unix socket, synchronously. One connection, made when it is first needed and kept
// for the next request. The HTTP library stays behind this header.
#pragma once

#include "ctl/connection.h"

#include <memory>

namespace procctl::ctl {

class client : public connection {
public:
    explicit client(std::string socket);
    ~client() override;

    result<api_reply> request(std::string_view method, std::string_view target,
                              std::string_view body) override;
    result<api_reply> stream(std::string_view target, const std::function<void(std::string_view)>& piece,
                             duration longest_wait) override;
    void wait_until_closed() override;
    [[nodiscard]] unique_fd process(std::int64_t pid) const override;
    [[nodiscard]] const std::string& socket() const override;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace procctl::ctl
