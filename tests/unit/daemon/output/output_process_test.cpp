// The output process spoken to directly: what a daemon would not say, and daemons that do not listen.
#include "daemon/output/message.h"
#include "daemon/output/message_socket.h"
#include "daemon/output/record.h"
#include "daemon/output/start_process.h"
#include "tests/unit/daemon/output/running_output.h"

#include <array>
#include <optional>
#include <random>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

using namespace procctl;
using namespace procctl::output;
using namespace procctl::output_tests;

namespace {

class raw_process {
public:
    raw_process()
    {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        socket.reset(ends[0]);
        const unique_fd theirs(ends[1]);
        auto child = start_process("/proc/self/exe", theirs.get());
        REQUIRE(child);
        pid_ = child->pid;
    }
    raw_process(const raw_process&) = delete;
    raw_process& operator=(const raw_process&) = delete;
    ~raw_process()
    {
        if (pid_ == 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    void send(std::string_view bytes, int passed = -1) const
    {
        pollfd room{socket.get(), POLLOUT, 0};
        for (;;) {
            const auto sent = send_message(socket.get(), bytes, passed);
            if (sent) return;
            REQUIRE(sent.error().code.value() == EAGAIN);
            ::poll(&room, 1, -1);
        }
    }
    [[nodiscard]] std::optional<reply> receive() const
    {
        pollfd news{socket.get(), POLLIN, 0};
        ::poll(&news, 1, -1);
        std::array<char, max_reply_size> buffer;
        const auto got = receive_message(socket.get(), buffer);
        if (!got || got->size == 0) return std::nullopt;
        const auto read = decode_reply({buffer.data(), got->size});
        REQUIRE(read);
        return *read;
    }
    int exit_status()
    {
        int status = 0;
        REQUIRE(::waitpid(std::exchange(pid_, 0), &status, 0) > 0);
        REQUIRE(WIFEXITED(status));
        return WEXITSTATUS(status);
    }

    unique_fd socket;

private:
    pid_t pid_ = 0;
};

stream_settings file_at(std::string path)
{
    stream_settings chosen;
    chosen.path = std::move(path);
    return chosen;
}

struct test_pipe {
    test_pipe()
    {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
    unique_fd read, write;
};

} // namespace

TEST_CASE("messages that make no sense change nothing", "[output]")
{
    const scratch_folder folder;
    const raw_process process;
    const auto record = make_record();
    test_pipe pipe;
    process.send(encode(order{hello{.slot = 9}}), record->get());
    process.send(encode(order{open_stream{1, 0, file_at(folder / "log")}}), pipe.read.get());
    put(pipe.write.get(), "text\n");

    process.send("x");
    process.send(std::string(max_order_size + 1000, '\xff'));
    process.send(encode(reply{closed{1}}));
    process.send(encode(order{open_stream{2, 1, file_at(folder / "no-pipe")}}));
    process.send(encode(order{open_stream{3, 0, file_at(folder / "slot-taken")}}), pipe.read.get());
    process.send(encode(order{close_stream{9, 0}})); // another stream's slot
    std::minstd_rand random(1);
    for (int i = 0; i < 1000; ++i) {
        std::string bytes(random() % 40 + 1, '\0');
        for (char& c : bytes)
            c = static_cast<char>(random());
        process.send(bytes);
    }
    process.send(encode(order{drain_streams{77}}));
    CHECK(process.receive() == reply{closed{9}});
    CHECK(process.receive() == reply{drained{77}});
    CHECK(content_of(folder / "log") == "text\n");
    CHECK_FALSE(std::filesystem::exists(folder / "slot-taken"));
}

TEST_CASE("a daemon of another version is refused", "[output]")
{
    raw_process process;
    const auto record = make_record();
    process.send(encode(order{hello{.version = protocol_version + 1}}), record->get());
    CHECK_FALSE(process.receive());
    CHECK(process.exit_status() == 1);
}

TEST_CASE("a daemon that does not read its replies gets them later", "[output]")
{
    const raw_process process;
    const auto record = make_record();
    process.send(encode(order{hello{.slot = 9}}), record->get());
    constexpr std::uint64_t drains = 5000; // more replies than a socket holds
    for (std::uint64_t i = 0; i < drains; ++i)
        process.send(encode(order{drain_streams{i}}));
    for (std::uint64_t i = 0; i < drains; ++i)
        REQUIRE(process.receive() == reply{drained{i}});
}

TEST_CASE("without a daemon it ends when the last writer has", "[output]")
{
    const scratch_folder folder;
    raw_process process;
    const auto record = make_record();
    test_pipe one;
    test_pipe two;
    process.send(encode(order{hello{.slot = 9}}), record->get());
    process.send(encode(order{open_stream{1, 0, file_at(folder / "1")}}), one.read.get());
    process.send(encode(order{open_stream{2, 1, file_at(folder / "2")}}), two.read.get());
    process.send(encode(order{drain_streams{1}})); // a reply left unread makes the end a reset
    process.socket.reset();
    put(one.write.get(), "one");
    one.write.reset();
    put(two.write.get(), "two");
    two.write.reset();
    CHECK(process.exit_status() == 0);
    CHECK(content_of(folder / "1") == "one");
    CHECK(content_of(folder / "2") == "two");
}

TEST_CASE("an output process that cannot be executed is an error of the start", "[output]")
{
    boost::asio::io_context io;
    pid_t child = 0;
    output_client client(io, {.executable = "/nowhere/procctld", .log_file = "", .console = false},
                         {.stream_reported = {},
                          .process_ended = {},
                          .process_started = [&](pid_t pid, const unique_fd&) { child = pid; }});
    const auto started = client.start();
    REQUIRE_FALSE(started);
    CHECK(started.error().message().find("/nowhere/procctld") != std::string::npos);
    CHECK(started.error().code.value() == ENOENT);
    CHECK(::waitpid(child, nullptr, 0) == child); // it was handed over, to be reaped
}

TEST_CASE("a drain ends at its limit when a target takes nothing", "[output]")
{
    const scratch_folder folder;
    running_output out;
    std::ofstream(folder / "not-a-folder") << "";
    put(out.client.write_end(out.open(folder / "not-a-folder/log")), "stuck");
    std::optional<std::vector<std::string>> unwritten;
    out.client.drain(1, [&](std::vector<std::string> left) { unwritten = std::move(left); });
    CHECK_FALSE(unwritten);
    out.until([&] { return unwritten.has_value(); });
    CHECK(unwritten == std::vector{folder / "not-a-folder/log"});
}
