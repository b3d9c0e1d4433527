#include "daemon/output/log_pipe.h"
#include "tests/unit/daemon/output/running_output.h"

#include <boost/asio/io_context.hpp>

#include <sstream>

#include <fcntl.h>

using namespace procctl;
using namespace procctl::output_tests;

TEST_CASE("lines of the daemon's log reach its file, gathered and in order", "[log]")
{
    const scratch_folder folder;
    running_output out(
        {.executable = "/proc/self/exe", .log_file = folder / "procctld.log", .console = false});
    std::string expected;
    for (int i = 0; i < 10'000; ++i) {
        out.client.log_line(std::to_string(i));
        expected += std::to_string(i) + "\n";
    }
    out.stop();
    CHECK(content_of(folder / "procctld.log") == expected);
    CHECK(out.client.dropped_log_lines() == 0);
}

TEST_CASE("lines logged in one turn of the loop are written without a call for them", "[log]")
{
    const scratch_folder folder;
    running_output out(
        {.executable = "/proc/self/exe", .log_file = folder / "procctld.log", .console = false});
    out.client.log_line("hello");
    out.until([&] { return content_of(folder / "procctld.log") == "hello\n"; });
}

TEST_CASE("lines beyond what a pipe nobody reads can hold are dropped, counted and accounted for", "[log]")
{
    boost::asio::io_context io;
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    const unique_fd reader(ends[0]);
    output::log_pipe log(io, unique_fd(ends[1]));

    unsigned sent = 0;
    for (; log.dropped() < 1000; ++sent) {
        log.add("line " + std::to_string(sent));
        log.flush();
    }
    std::string text;
    char buffer[4096];
    const auto read_all = [&] {
        for (ssize_t n = 0; (n = ::read(reader.get(), buffer, sizeof buffer)) > 0;)
            text.append(buffer, static_cast<std::size_t>(n));
    };
    while (text.find("dropped") == std::string::npos) {
        read_all();
        io.restart();
        io.run_one();
    }
    log.add("after");
    log.flush();
    read_all();

    unsigned expected = 0;
    bool is_told = false;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line == "procctld: 1000 lines of this log were dropped here, for nothing took them") {
            CHECK_FALSE(is_told);
            is_told = true;
            CHECK(expected == sent - 1000);
        } else if (is_told) {
            CHECK(line == "after");
        } else {
            REQUIRE(line == "line " + std::to_string(expected++));
        }
    }
    CHECK(is_told);
}

namespace {

// The output process inherits our standard error: here, the write end of a pipe.
class stderr_pipe {
public:
    stderr_pipe() : old_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3))
    {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        reader.reset(ends[0]);
        const unique_fd in(ends[1]);
        ::dup2(in.get(), STDERR_FILENO);
    }
    stderr_pipe(const stderr_pipe&) = delete;
    stderr_pipe& operator=(const stderr_pipe&) = delete;
    ~stderr_pipe() { restore(); }
    void restore() const { ::dup2(old_.get(), STDERR_FILENO); }

    unique_fd reader;

private:
    unique_fd old_;
};

} // namespace

TEST_CASE("a console nobody reads stalls neither the log file, nor programs, nor the end", "[log]")
{
    const scratch_folder folder;
    const stderr_pipe console;
    running_output out(
        {.executable = "/proc/self/exe", .log_file = folder / "procctld.log", .console = true});
    console.restore();
    std::string expected;
    const std::string line(1000, 'l');
    for (int i = 0; i < 1000; ++i) { // a megabyte: the console's pipes hold less than half
        out.client.log_line(line);
        expected += line + "\n";
        if (i % 50 == 49) out.drain();
    }
    put(out.client.write_end(out.open(folder / "program")), "output\n");
    out.drain();
    CHECK(content_of(folder / "procctld.log") == expected);
    CHECK(content_of(folder / "program") == "output\n");
    CHECK(out.client.dropped_log_lines() > 0);
    out.stop();
}

TEST_CASE("a console that has gone takes no one with it", "[log]")
{
    const scratch_folder folder;
    stderr_pipe console;
    running_output out(
        {.executable = "/proc/self/exe", .log_file = folder / "procctld.log", .console = true});
    console.restore();
    console.reader.reset();
    std::string expected;
    const std::string line(1000, 'l');
    for (int i = 0; i < 1000; ++i) {
        out.client.log_line(line);
        expected += line + "\n";
        if (i % 50 == 49) out.drain();
    }
    out.stop();
    CHECK(content_of(folder / "procctld.log") == expected);
    CHECK(out.reports.empty());
}
