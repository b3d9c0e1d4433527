#include "daemon/os/input_data.h"

#include <string>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U // since Linux 6.3, which newer C libraries know
#endif

namespace procctl {
namespace {

constexpr const char* cannot = "cannot make the data of standard input";

unique_fd make_memory()
{
    constexpr const char* name = "standard-input"; // for /proc/PID/fd
    constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    // Without it a kernel that knows it complains in its log, or refuses, as vm.memfd_noexec says.
    const int fd = ::memfd_create(name, flags | MFD_NOEXEC_SEAL);
    if (fd >= 0 || errno != EINVAL) return unique_fd(fd);
    return unique_fd(::memfd_create(name, flags));
}

result<void> write_all(int fd, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t size = ::write(fd, text.data(), text.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return last_error(cannot);
        text.remove_prefix(static_cast<std::size_t>(size));
    }
    return {};
}

} // namespace

result<unique_fd> make_input(std::string_view text)
{
    const unique_fd memory = make_memory();
    if (!memory) return last_error(cannot);
    if (const auto written = write_all(memory.get(), text); !written) return written.error();
    if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        return last_error(cannot);
    // Opened once more, it is at its beginning and cannot be written to.
    const std::string path = "/proc/self/fd/" + std::to_string(memory.get());
    unique_fd input(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!input) return last_error(cannot);
    return input;
}

} // namespace procctl
