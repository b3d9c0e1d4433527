#include "daemon/os/state_lock.h"

#include <array>
#include <string_view>

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace procctl {
namespace {

// The number that the holder has written; empty when it has not come to that yet.
std::string read_pid(int fd)
{
    std::array<char, 16> text{};
    const auto size = ::pread(fd, text.data(), text.size(), 0);
    const std::string_view read(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    return std::string(read.substr(0, read.find_first_not_of("0123456789")));
}

} // namespace

result<state_lock> state_lock::acquire(const std::string& state_dir)
{
    const std::string path = state_dir + "/lock";
    unique_fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (!file) return last_error("cannot open " + path);

    // flock(2)'s lock belongs to the open file, not to the process: a child could share it, but close-on-exec
    // keeps it from every program.
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return last_error("cannot lock " + path);
        const auto pid = read_pid(file.get());
        return make_error("another procctld " + (pid.empty() ? "" : "(pid " + pid + ") ") + "uses " +
                          state_dir);
    }
    // The file stays behind when the daemon ends: removing it would let two daemons lock two files of one
    // name.
    const auto text = std::to_string(::getpid()) + '\n';
    if (::ftruncate(file.get(), 0) != 0 || ::pwrite(file.get(), text.data(), text.size(), 0) < 0)
        return last_error("cannot write " + path);
    return state_lock(std::move(file));
}

} // namespace procctl
