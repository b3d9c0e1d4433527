// A loop that runs helpers for real, keeps their answers and reaps them. The test program is its own helper:
// helper_runner_test.cpp sees to that.
#pragma once

#include "daemon/helpers/helper_runner.h"
#include "tests/support/catch.h"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/wait.h>

namespace procctl::tests {

using namespace std::chrono_literals;

struct answers {
    // Runs the loop until there are so many; the limit is only reached when they never come.
    void run_until(std::size_t count)
    {
        const auto limit = std::chrono::steady_clock::now() + 60s;
        while (all.size() + deliveries.size() < count) {
            REQUIRE(std::chrono::steady_clock::now() < limit);
            io.run_one_for(10s);
        }
    }
    void run_until_reaped()
    {
        const auto limit = std::chrono::steady_clock::now() + 60s;
        while (living > 0) {
            REQUIRE(std::chrono::steady_clock::now() < limit);
            io.run_one_for(10s);
        }
    }
    std::function<void(result<helper_delivery>)> keep_delivery()
    {
        return [this](result<helper_delivery> r) { deliveries.push_back(std::move(r)); };
    }
    std::function<void(result<std::string>)> keep()
    {
        return [this](result<std::string> r) { all.push_back(std::move(r)); };
    }
    [[nodiscard]] std::string text() const
    {
        REQUIRE(all.size() == 1);
        REQUIRE(all[0]);
        return *all[0];
    }

    // A reaper for children that end by themselves.
    void watch(pid_t pid, unique_fd pidfd, std::function<void(const process_end&)> tell)
    {
        ++started;
        ++living;
        auto ended = std::make_shared<boost::asio::posix::stream_descriptor>(io, pidfd.release());
        ended->async_wait(ended->wait_read, [this, ended, pid, tell = std::move(tell)](auto failed) {
            if (failed) return; // the test is over
            int status = 0;
            REQUIRE(::waitpid(pid, &status, 0) == pid);
            --living;
            tell(WIFEXITED(status) ? process_end{exit_code_kind::exited, WEXITSTATUS(status)}
                                   : process_end{exit_code_kind::killed, WTERMSIG(status)});
        });
    }

    boost::asio::io_context io;
    std::vector<result<std::string>> all;
    std::vector<result<helper_delivery>> deliveries;
    unsigned started = 0;
    unsigned living = 0;
    helper_runner runner{io,
                         [this](pid_t pid, unique_fd pidfd, std::function<void(const process_end&)> tell) {
                             watch(pid, std::move(pidfd), std::move(tell));
                         }};
};

} // namespace procctl::tests
