// The service of streams without its process: what it waits for, and for how many things at once.
#include "daemon/output/stream_service.h"
#include "tests/unit/daemon/output/target_tools.h"

#include <array>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

using namespace procctl;
using namespace procctl::output;
using namespace procctl::target_tests;
using tests::scratch_folder;

namespace {

struct sockets {
    sockets()
    {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        daemon.reset(ends[0]);
        ours.reset(ends[1]);
    }
    unique_fd daemon, ours;
};

struct service {
    stream& open(const stream_settings& chosen)
    {
        streams.set_now(std::chrono::steady_clock::now());
        streams.open({.id = 1, .slot = 0, .settings = chosen}, std::move(pipe.read));
        stream* const opened = streams.find(0, 1);
        REQUIRE(opened != nullptr);
        return *opened;
    }
    // What the loop does until there is nothing to be done at once.
    void run()
    {
        for (;;) {
            std::array<epoll_event, 8> events;
            const int count = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), 0);
            const auto now = std::chrono::steady_clock::now();
            streams.set_now(now);
            int seen = 0;
            for (int i = 0; i < count; ++i) {
                const std::uint64_t key = events[static_cast<std::size_t>(i)].data.u64;
                if (key == stream_service::pipe_key(0)) streams.pipe_ready(0), ++seen;
                if (key == stream_service::target_key(0)) streams.target_ready(0), ++seen;
            }
            // Naps and pauses are a few milliseconds long.
            const bool is_busy = streams.next_deadline() < now + std::chrono::seconds(2);
            streams.serve_due();
            if (seen == 0 && !is_busy) return;
        }
    }

    test_pipe pipe;
    sockets link;
    unique_fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
    daemon_link daemon{std::move(link.ours), epoll.get(), UINT64_MAX};
    stream_service streams{epoll.get(), daemon};
};

} // namespace

TEST_CASE("a file that is rotated often is waited for once", "[stream_service]")
{
    const scratch_folder folder;
    service tested;
    stream_settings chosen;
    chosen.path = folder / "log";
    chosen.max_age = std::chrono::hours(24);
    stream& s = tested.open(chosen);
    for (int i = 0; i < 200; ++i) {
        put(tested.pipe.write.get(), "line\n");
        tested.run();
        REQUIRE(tested.streams.rotate(s) == 0);
    }
    CHECK(tested.streams.timers() < 10);
}

TEST_CASE("one that waits for a reader of a FIFO is served where its path leads to by now",
          "[stream_service]")
{
    const scratch_folder folder;
    const std::string path = folder / "log";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    service tested;
    stream_settings chosen;
    chosen.path = path;
    const stream& s = tested.open(chosen);
    // More than it takes while nobody reads.
    ::fcntl(s.file->descriptor(), F_SETPIPE_SZ, 4096);
    const std::string said(20'000, 'x');
    put(tested.pipe.write.get(), said);
    tested.run();
    REQUIRE(s.is_awaiting_room);
    const std::size_t left = s.waiting();
    REQUIRE(left > 0);

    REQUIRE(std::filesystem::remove(path));
    {
        const std::ofstream regular(path);
    }
    tested.streams.reopen_all();
    tested.run();
    CHECK(content_of(path).size() == left);
    CHECK(s.waiting() == 0);
}

TEST_CASE("a stream knows of each byte whether it was moved while its target is full", "[stream_service]")
{
    const scratch_folder folder;
    const std::string path = folder / "log";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    stream_settings chosen;
    chosen.path = path;
    chosen.timestamps = log_timestamps::iso;
    auto file = std::make_shared<target>(path);
    REQUIRE(file->open() == 0);
    // Takes what is read first, with its times, and refuses what is read next.
    ::fcntl(file->descriptor(), F_SETPIPE_SZ, 128 << 10);
    test_pipe pipe;
    ::fcntl(pipe.write.get(), F_SETPIPE_SZ, 1 << 20);
    std::string said;
    while (said.size() < 200'000)
        said += std::string(999, 'x') + '\n';
    put(pipe.write.get(), said);
    stream s({.id = 1, .slot = 0, .settings = chosen}, std::move(pipe.read), file);
    REQUIRE(s.take(said.size(), noon).what == outcome::status::target_full);
    CHECK(s.moved > 0);
    CHECK(s.moved + s.waiting() == said.size());
}
