// Descriptors of files that others have chosen, programs that have sent us one or whoever configured a path:
// what they are is their choice, and so is what closing them does.
//
// close(2) can wait: for the server of a FUSE mount, which is told of it, or for data that a TCP socket with
// SO_LINGER has not got rid of. So what is not known to be harmless is closed by a child that shares our
// table of descriptors and does nothing else (systemd's asynchronous_close()).
#pragma once

#include "common/unique_fd.h"

#include <cstddef>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace procctl {

// Returns at once. The numbers are free a moment later. What does not wait when it is closed (an ordinary
// pipe, a local socket) is closed here.
void close_elsewhere(std::vector<unique_fd>);
// The same for all of them: also for a pipe that somebody has locked who does not go on.
void close_in_child(std::vector<unique_fd>);

// What the kernel knows of a file without asking whoever serves it: type, device and inode. False: nothing.
[[nodiscard]] bool look_at_descriptor(int fd, struct stat&);

// Closes them elsewhere when it goes.
class foreign_descriptors {
public:
    foreign_descriptors() = default;
    explicit foreign_descriptors(std::vector<unique_fd> all) : all_(std::move(all)) {}
    ~foreign_descriptors() { close_elsewhere(std::move(all_)); }
    foreign_descriptors(foreign_descriptors&&) noexcept = default;
    foreign_descriptors& operator=(foreign_descriptors&& other) noexcept
    {
        close_elsewhere(std::exchange(all_, std::exchange(other.all_, {})));
        return *this;
    }
    foreign_descriptors(const foreign_descriptors&) = delete;
    foreign_descriptors& operator=(const foreign_descriptors&) = delete;

    void add(std::vector<unique_fd> more)
    {
        for (unique_fd& fd : more)
            all_.push_back(std::move(fd));
    }
    [[nodiscard]] std::size_t size() const { return all_.size(); }
    // Borrowed.
    [[nodiscard]] int operator[](std::size_t n) const { return all_[n].get(); }
    [[nodiscard]] std::vector<unique_fd> take() { return std::move(all_); }

private:
    std::vector<unique_fd> all_;
};

} // namespace procctl
