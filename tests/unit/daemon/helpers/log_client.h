// A client of the log helper, which runs in a process of its own, as the daemon has it done.
#pragma once

#include "common/unique_fd.h"
#include "daemon/helpers/read_log.h"
#include "tests/support/catch.h"

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace procctl::tests {

inline void append(const std::string& path, const std::string& text)
{
    std::ofstream(path, std::ios::binary | std::ios::app) << text;
}

// Has it answered, and reads the answer.
class log_client {
public:
    template <class Serve> explicit log_client(Serve serve)
    {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        ours_.reset(ends[0]);
        unique_fd theirs(ends[1]);
        child_ = ::fork();
        REQUIRE(child_ >= 0);
        if (child_ == 0) {
            ours_.reset();
            ::_exit(serve(theirs.get()));
        }
    }
    log_client(const log_client&) = delete;
    log_client& operator=(const log_client&) = delete;
    ~log_client()
    {
        if (child_ == 0) return;
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }

    // The whole body; the response must be complete.
    std::string all()
    {
        while (!is_complete_)
            REQUIRE(read_more());
        return body_;
    }
    // Reads until the body is this long.
    std::string next(std::size_t size)
    {
        while (body_.size() < size) {
            CAPTURE(body_);
            REQUIRE(read_more());
        }
        return std::exchange(body_, {});
    }
    // Closes the socket; the exit status of the server.
    int hang_up()
    {
        ours_.reset();
        int status = 0;
        REQUIRE(::waitpid(std::exchange(child_, 0), &status, 0) > 0);
        REQUIRE(WIFEXITED(status));
        return WEXITSTATUS(status);
    }
    // Holds the server until go_on().
    [[nodiscard]] bool stop()
    {
        int status = 0;
        return ::kill(child_, SIGSTOP) == 0 && ::waitpid(child_, &status, WUNTRACED) == child_ &&
               WIFSTOPPED(status);
    }
    void go_on() { REQUIRE(::kill(child_, SIGCONT) == 0); }
    [[nodiscard]] const std::string& head() const { return head_; }

private:
    bool read_more()
    {
        char buffer[8192];
        const ssize_t n = ::read(ours_.get(), buffer, sizeof buffer);
        if (n <= 0) return false;
        raw_.append(buffer, static_cast<std::size_t>(n));
        if (head_.empty()) {
            const std::size_t end = raw_.find("\r\n\r\n");
            if (end == std::string::npos) return true;
            head_ = raw_.substr(0, end + 4);
            raw_.erase(0, end + 4);
        }
        if (head_.find("Content-Length: ") != std::string::npos) {
            const std::size_t length = std::stoul(head_.substr(head_.find("Content-Length: ") + 16));
            if (raw_.size() < length) return true;
            body_ = raw_;
            is_complete_ = true;
            return true;
        }
        for (;;) { // chunks
            const std::size_t line = raw_.find("\r\n");
            if (line == std::string::npos) return true;
            const std::size_t size = std::stoul(raw_.substr(0, line), nullptr, 16);
            if (raw_.size() < line + 2 + size + 2) return true;
            body_ += raw_.substr(line + 2, size);
            CHECK(raw_.substr(line + 2 + size, 2) == "\r\n");
            raw_.erase(0, line + 2 + size + 2);
            if (size == 0) {
                is_complete_ = true;
                CHECK(raw_.empty());
                return true;
            }
        }
    }

    unique_fd ours_;
    pid_t child_ = 0;
    std::string raw_, head_, body_;
    bool is_complete_ = false;
};

// The whole answer.
inline std::string answer_to(const log_request& request)
{
    return log_client([&](int socket) { return serve_log(socket, request); }).all();
}

} // namespace procctl::tests
