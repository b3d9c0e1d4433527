#include "daemon/os/unix_listener.h"

#include "daemon/os/folders.h"

#include <algorithm>

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace procctl {
namespace {

unique_fd make_socket()
{
    return unique_fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// `path` fits: see listen_on.
sockaddr_un address_of(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    return address;
}

template <class Call> int with_address(const std::string& path, Call call)
{
    const sockaddr_un address = address_of(path);
    return call(reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(sizeof address));
}

// Removes a socket at `path` that nobody listens on any more.
result<void> remove_stale(const std::string& path)
{
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0) {
        if (errno == ENOENT) return {};
        return last_error("cannot listen on " + path);
    }
    if (!S_ISSOCK(facts.st_mode))
        return make_error("cannot listen on " + path + ": it exists and is no socket");

    const auto probe = make_socket();
    if (!probe) return last_error("cannot make a socket");
    const int connected =
        with_address(path, [&](auto* address, auto size) { return ::connect(probe.get(), address, size); });
    // EAGAIN: somebody listens, but its queue is full.
    if (connected == 0 || errno == EAGAIN)
        return make_error("cannot listen on " + path + ": another process listens there");
    if (errno != ECONNREFUSED && errno != ENOENT) return last_error("cannot listen on " + path);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return last_error("cannot replace the old socket " + path);
    return {};
}

// bind(2) makes the file with all rights less the umask, so that the right mode is there from the first
// moment.
int bind_with_mode(int socket, const std::string& path, mode_t mode)
{
    const mode_t before = ::umask(0777 & ~mode);
    const int bound =
        with_address(path, [&](auto* address, auto size) { return ::bind(socket, address, size); });
    const int reason = errno;
    ::umask(before);
    errno = reason;
    return bound;
}

} // namespace

result<unique_fd> listen_on(const std::string& path, mode_t mode, std::optional<gid_t> group)
{
    constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
    if (path.empty() || path.size() > longest)
        return make_error("cannot listen on " + path + ": a socket's path has 1 to " +
                          std::to_string(longest) + " bytes, this one has " + std::to_string(path.size()));
    if (const auto slash = path.rfind('/'); slash != std::string::npos && slash != 0)
        if (const auto made = make_folders(path.substr(0, slash)); !made) return made.error();
    if (const auto removed = remove_stale(path); !removed) return removed.error();

    auto socket = make_socket();
    if (!socket) return last_error("cannot make a socket");
    if (bind_with_mode(socket.get(), path, mode) != 0) return last_error("cannot listen on " + path);
    // Nobody can connect before listen().
    if (group && ::lchown(path.c_str(), static_cast<uid_t>(-1), *group) != 0)
        return last_error("cannot give " + path + " to group " + std::to_string(*group));
    if (::listen(socket.get(), SOMAXCONN) != 0) return last_error("cannot listen on " + path);
    return socket;
}

} // namespace procctl
