// What the tests of line movers share: a pipe, a sink that takes as much as it is told, a socket for
// messages.
#pragma once

#include "common/unique_fd.h"
#include "daemon/output/byte_sink.h"
#include "daemon/output/line_mover.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace procctl::output_tests {

using status = output::outcome::status;

// 2026-11-20T17:56:29.123456Z
inline constexpr wall_time noon{duration(1'795'197'389'123'456)};

class line_pipe {
public:
    line_pipe()
    {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
        read_.reset(ends[0]);
        write_.reset(ends[1]);
        ::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    }
    void write(std::string_view bytes) const
    {
        REQUIRE(::write(write_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    }
    void close_writer() { write_.reset(); }
    [[nodiscard]] int reader() const { return read_.get(); }

private:
    unique_fd read_, write_;
};

// Its state outlives the mover that owns the sink.
struct sink_state {
    std::string content;
    std::size_t room = std::numeric_limits<std::size_t>::max(); // bytes that it takes yet
    status refusal = status::target_full;                       // what it says when it takes nothing
    int errno_value = 0;
    std::size_t most_at_once = std::numeric_limits<std::size_t>::max();
    int puts = 0;
    wall_time asked_at{}; // by the last of them
};

class fake_sink final : public output::byte_sink {
public:
    explicit fake_sink(sink_state& state) : state_(state) {}
    output::outcome put(std::string_view bytes, wall_time now) override
    {
        ++state_.puts;
        state_.asked_at = now;
        const std::size_t count = std::min({bytes.size(), state_.room, state_.most_at_once});
        state_.content += bytes.substr(0, count);
        state_.room -= count;
        if (count == 0 || (count < bytes.size() && state_.room == 0))
            return {state_.refusal, count, state_.errno_value};
        return {status::moved, count, 0};
    }
    int descriptor() const override { return -1; }
    void close() override {}

private:
    sink_state& state_;
};

// The other end: /dev/log, or journald.
class message_receiver {
public:
    explicit message_receiver(const std::string& path, int type = SOCK_DGRAM)
        : path_(path), socket_(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof address.sun_path);
        path.copy(address.sun_path, path.size());
        REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        if (type == SOCK_STREAM) REQUIRE(::listen(socket_.get(), 5) == 0);
    }
    message_receiver(const message_receiver&) = delete;
    message_receiver& operator=(const message_receiver&) = delete;
    ~message_receiver() { ::unlink(path_.c_str()); }

    // The next message, a memfd's content when one was passed; none when there is none.
    [[nodiscard]] std::optional<std::string> next()
    {
        std::string bytes(1 << 20, '\0');
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
        iovec part{bytes.data(), bytes.size()};
        msghdr header{};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control;
        header.msg_controllen = sizeof control;
        const ssize_t got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
        if (got < 0) return std::nullopt;
        bytes.resize(static_cast<std::size_t>(got));
        if (const cmsghdr* const passed = CMSG_FIRSTHDR(&header); passed != nullptr) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(passed), sizeof fd);
            return content_of_memfd(unique_fd(fd));
        }
        return bytes;
    }
    [[nodiscard]] std::vector<std::string> all()
    {
        std::vector<std::string> messages;
        while (auto message = next())
            messages.push_back(std::move(*message));
        return messages;
    }
    // Of a SOCK_STREAM: a connection that is waiting.
    [[nodiscard]] unique_fd accept() const
    {
        return unique_fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    }
    int memfds = 0; // how many were passed

private:
    std::string content_of_memfd(const unique_fd& fd)
    {
        ++memfds;
        constexpr int all_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
        CHECK((::fcntl(fd.get(), F_GET_SEALS) & all_seals) == all_seals);
        struct stat now {};
        REQUIRE(::fstat(fd.get(), &now) == 0);
        std::string content(static_cast<std::size_t>(now.st_size), '\0');
        REQUIRE(::pread(fd.get(), content.data(), content.size(), 0) == now.st_size);
        return content;
    }

    std::string path_;
    unique_fd socket_;
};

// Takes until the pipe is empty. Fails when the target refuses.
inline std::size_t take_all(output::line_mover& mover, const line_pipe& pipe)
{
    std::size_t taken = 0;
    for (;;) {
        const auto o = mover.take(pipe.reader(), 1 << 20, noon);
        taken += o.bytes;
        if (o.what == status::pipe_empty || o.what == status::pipe_ended) return taken;
        REQUIRE(o.what == status::moved);
    }
}

} // namespace procctl::output_tests
