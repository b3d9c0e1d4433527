#include "daemon/os/service_manager.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>

namespace procctl {

service_manager::service_manager()
{
    const char* const address = std::getenv("NOTIFY_SOCKET");
    if (!address) return;
    address_ = address;
    ::unsetenv("NOTIFY_SOCKET");
    const bool is_known_kind = !address_.empty() && (address_[0] == '/' || address_[0] == '@');
    if (!is_known_kind || address_.size() >= sizeof(sockaddr_un::sun_path)) address_.clear();
    if (is_present()) socket_ = unique_fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void service_manager::notify(std::string_view assignments) const
{
    if (!is_present()) return;
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address_.data(), address_.size());
    if (address_[0] == '@') to.sun_path[0] = '\0'; // an abstract socket, see unix(7)
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
    ::sendto(socket_.get(), assignments.data(), assignments.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&to), size);
}

} // namespace procctl
