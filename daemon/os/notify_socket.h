// The socket of one instance for sd_notify(3): what NOTIFY_SOCKET leads to.
//
// Anybody may send to it, and the kernel says who did; whether the sender has a say is not decided here.
// Datagrams are not parsed here either (core/notify_message.h).
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace procctl {

// A file can be reached from other network namespaces, an abstract address from below other root folders.
enum class notify_address { file, abstract };

// The folder for such files: others may pass through it, and cannot list it.
[[nodiscard]] result<void> make_notify_folder(const std::string& path);

class notify_socket {
public:
    struct datagram {
        std::string_view text; // valid during the call
        pid_t pid = 0;         // who sent it, which may have ended since
        uid_t uid = 0;
        // That came with it, close-on-exec, in the sender's order; to be closed as foreign_descriptors.h
        // says.
        std::vector<unique_fd> descriptors;
        // It was too long, more descriptors came with it than we may have, or its sender cannot be told (a
        // process outside our pid namespace). Then there is neither text nor a descriptor.
        bool is_refused = false;
    };
    // May destroy the socket, and may drain it.
    using handler = std::function<void(datagram)>;

    // With `file`, at <folder>/<instance>, where a socket from earlier is replaced; a path that is too long
    // for a socket becomes an abstract address. An abstract address is one that the kernel chooses.
    [[nodiscard]] static result<notify_socket> open(boost::asio::io_context&, notify_address,
                                                    const std::string& folder, const std::string& instance,
                                                    handler);
    // Removes the file, if it is still this socket's.
    ~notify_socket();
    notify_socket(notify_socket&&) noexcept;
    notify_socket& operator=(notify_socket&&) noexcept;

    // The value for NOTIFY_SOCKET: "/run/procctl/notify/web" or "@00a3f".
    [[nodiscard]] const std::string& address() const;

    // Hands on, before it returns, whatever had been sent by the time of the call: what a process said before
    // it ended is heard before its end is told. A sender that goes on meanwhile cannot keep it from
    // returning.
    void drain();

private:
    struct impl;
    explicit notify_socket(std::shared_ptr<impl>);
    std::shared_ptr<impl> impl_;
};

} // namespace procctl
