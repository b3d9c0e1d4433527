// An output process at work for a test: a client in a loop, the process (this test program again, see
// running_output_test.cpp), and a folder for the files.
#pragma once

#include "daemon/output/output_client.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace procctl::output_tests {

using tests::scratch_folder;

inline std::string content_of(const std::string& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void put(int fd, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        REQUIRE(n > 0);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

class running_output {
public:
    explicit running_output(output_client::settings chosen = quiet())
        : client(io, std::move(chosen),
                 {.stream_reported = [this](const stream_report& r) { reports.push_back(r); },
                  .process_ended = [this](const std::string&) { ++deaths; },
                  .process_started = [this](pid_t pid, unique_fd pidfd) { watch(pid, std::move(pidfd)); }})
    {
        const auto started = client.start();
        REQUIRE(started);
    }
    running_output(const running_output&) = delete;
    running_output& operator=(const running_output&) = delete;
    ~running_output()
    {
        if (is_left_alone_) return;
        for (const pid_t pid : client.process_ids()) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
    }

    static output_client::settings quiet()
    {
        return {.executable = "/proc/self/exe", .log_file = "", .console = false};
    }
    // Of the first output process; 0 while it does not run.
    [[nodiscard]] pid_t process_id() const
    {
        const auto all = client.process_ids();
        return all.empty() ? 0 : all.front();
    }

    // Runs the loop until it is so. A limit that only a broken test reaches.
    void until(const std::function<bool()>& is_so)
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!is_so()) {
            REQUIRE(std::chrono::steady_clock::now() < end);
            io.restart();
            io.run_one_for(std::chrono::milliseconds(20)); // some conditions are seen from no handler
        }
    }
    void drain()
    {
        bool is_done = false;
        client.drain(60'000, [&](const std::vector<std::string>&) { is_done = true; });
        until([&] { return is_done; });
    }
    void stop()
    {
        client.stop();
        until([&] { return client.process_ids().empty(); });
    }
    // The end of this object is the death of the daemon: the output process is not told.
    void leave_process_alone() { is_left_alone_ = true; }
    void kill_process() const { REQUIRE(::kill(process_id(), SIGKILL) == 0); }
    [[nodiscard]] stream_id open(const stream_settings& chosen)
    {
        const auto opened = client.open(chosen);
        REQUIRE(opened);
        return *opened;
    }
    [[nodiscard]] stream_id open(const std::string& path)
    {
        stream_settings chosen;
        chosen.path = path;
        return open(chosen);
    }

    boost::asio::io_context io;
    std::vector<stream_report> reports;
    unsigned deaths = 0;
    output_client client;

private:
    void watch(pid_t pid, unique_fd pidfd)
    {
        auto watched = std::make_shared<boost::asio::posix::stream_descriptor>(io, pidfd.release());
        watched->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                            [this, pid, watched](const boost::system::error_code& problem) {
                                if (problem) return;
                                siginfo_t end{};
                                REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &end, WEXITED) == 0);
                                client.child_ended(pid, std::to_string(end.si_status));
                            });
    }

    bool is_left_alone_ = false;
};

} // namespace procctl::output_tests
