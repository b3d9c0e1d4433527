// Tells the service manager that started the daemon how it is doing: the protocol of sd_notify(3).
//
// The protocol is one datagram of text to a socket, promised to stay so; libsystemd, which would be mapped
// for nothing else, costs 1 MiB of resident memory.
#pragma once

#include "common/unique_fd.h"

#include <string>
#include <string_view>

namespace procctl {

class service_manager {
public:
    // Takes $NOTIFY_SOCKET out of the environment, so that no child speaks in the daemon's name.
    service_manager();

    // "READY=1", "STATUS=…", "STOPPING=1", or several lines. Without a service manager, or with one that does
    // not answer, nothing happens: whether it is told makes no difference to the programs.
    void notify(std::string_view assignments) const;
    [[nodiscard]] bool is_present() const { return !address_.empty(); }

private:
    std::string address_; // a path, or '@' and an abstract name; empty: no service manager
    unique_fd socket_;
};

} // namespace procctl
