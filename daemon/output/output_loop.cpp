#include "daemon/output/output_loop.h"

#include "daemon/output/daemon_link.h"
#include "daemon/output/stream_service.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include <errno.h>
#include <sys/epoll.h>

namespace procctl::output {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A turn of the loop that has lasted so long looks for orders before it goes on.
constexpr auto long_turn = milliseconds(5);
// Asked to stop, it gives targets that take nothing at all this long.
constexpr auto stop_patience = std::chrono::seconds(5);

constexpr std::uint64_t socket_key = UINT64_MAX; // among those of stream_service

struct drain {
    std::uint64_t tag;
    struct goal {
        std::uint32_t slot;
        stream_id id;
        std::uint64_t moved; // reached when the stream has moved so much
    };
    std::vector<goal> open;
};

} // namespace

struct output_loop::impl {
    impl(unique_fd socket, unique_fd e)
        : epoll(std::move(e)), daemon(std::move(socket), epoll.get(), socket_key),
          streams(epoll.get(), daemon)
    {
    }

    unique_fd epoll;
    daemon_link daemon;
    stream_service streams;
    std::vector<drain> drains;
    bool is_stopping = false; // told to
    clock::time_point now;
    clock::time_point looked_for_orders;
    std::optional<error> fatal;

    // Orders.

    void obey(hello& o, unique_fd passed)
    {
        if (o.version != protocol_version)
            fatal = make_error("cannot work for this daemon: it is of another version");
        else if (const auto used = streams.use_record(std::move(passed), o.slot); !used)
            fatal = used.error();
    }

    void obey(open_stream& o, unique_fd pipe) { streams.open(o, std::move(pipe)); }

    void obey(close_stream& o, unique_fd)
    {
        if (stream* const s = streams.find(o.slot, o.id))
            streams.close(*s);
        else
            daemon.send(closed{o.id}); // a predecessor got that far
    }

    void obey(set_pid& o, unique_fd)
    {
        if (stream* const s = streams.find(o.slot, o.id); s != nullptr)
            streams.set_pid(*s, static_cast<pid_t>(o.pid));
    }

    void obey(finish_run& o, unique_fd)
    {
        stream* const s = streams.find(o.slot, o.id);
        daemon.send(s == nullptr ? run_finished{o.tag, 0, {}} : streams.finish_run(*s, o.tag));
    }

    void obey(rotate_log& o, unique_fd)
    {
        stream* const s = streams.find(o.slot, o.id);
        daemon.send(rotated{o.tag, s == nullptr ? ENOENT : streams.rotate(*s)});
    }

    void obey(reopen_logs&, unique_fd) { streams.reopen_all(); }

    void obey(drain_streams& o, unique_fd)
    {
        drain d{o.tag, {}};
        streams.for_each([&](stream& s) {
            if (s.is_lossy) return;
            if (s.waiting() == 0) return;
            s.is_in_trouble ? d.open.push_back({s.slot, s.id, s.moved + s.waiting()})
                            : d.open.push_back({s.slot, s.id, streams.take_all(s)});
        });
        if (d.open.empty())
            daemon.send(drained{o.tag});
        else
            drains.push_back(std::move(d));
    }

    void obey(stop_moving&, unique_fd)
    {
        is_stopping = true;
        streams.close_all();
    }

    void take_orders(std::uint32_t events)
    {
        looked_for_orders = now;
        daemon.handle(events, [this](order& o, unique_fd passed) {
            std::visit([&](auto& one) { obey(one, std::move(passed)); }, o);
        });
        if (!daemon.is_open()) streams.lose_daemon();
    }

    // Turns of the loop.

    void check_drains()
    {
        std::erase_if(drains, [&](drain& d) {
            std::erase_if(d.open, [&](const drain::goal& g) {
                const stream* const s = streams.find(g.slot, g.id);
                return s == nullptr || (s->moved >= g.moved && s->held() == 0);
            });
            if (d.open.empty()) daemon.send(drained{d.tag});
            return d.open.empty();
        });
    }

    // For epoll_wait: milliseconds, rounded up; -1: no limit.
    int time_limit() const
    {
        auto next = streams.next_deadline();
        if (is_stopping) next = std::min(next, streams.last_progress() + stop_patience);
        if (next == clock::time_point::max()) return -1;
        const auto left = std::chrono::ceil<milliseconds>(next - clock::now()).count();
        return static_cast<int>(std::clamp<decltype(left)>(left, 0, INT32_MAX));
    }

    bool is_done() const
    {
        if (streams.size() == 0) return is_stopping || !daemon.is_open();
        return is_stopping && now - streams.last_progress() >= stop_patience;
    }

    void handle(const epoll_event& event)
    {
        const std::uint64_t key = event.data.u64;
        if (key == socket_key) return take_orders(event.events);
        const auto slot = static_cast<std::uint32_t>(key / 2);
        if (key == stream_service::pipe_key(slot))
            streams.pipe_ready(slot);
        else
            streams.target_ready(slot);
        // Programs that flood keep a turn busy; somebody waits for an answer meanwhile.
        now = clock::now();
        if (daemon.is_open() && now - looked_for_orders >= long_turn) take_orders(EPOLLIN);
    }

    result<void> run()
    {
        std::array<epoll_event, 64> events;
        now = clock::now();
        while (!is_done()) {
            const int limit = time_limit();
            streams.rest();
            const int count =
                ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), limit);
            if (count < 0 && errno != EINTR) return last_error("cannot wait for output");
            now = looked_for_orders = clock::now();
            streams.set_now(now);
            for (int i = 0; i < count; ++i)
                handle(events[static_cast<std::size_t>(i)]);
            streams.set_now(now);
            streams.serve_due();
            if (!drains.empty()) check_drains();
            if (fatal) return *fatal;
        }
        if (is_stopping) daemon.send(stopped{});
        if (streams.size() != 0)
            return make_error("cannot write all output: gave up on " + std::to_string(streams.size()) +
                              " pipes whose targets took nothing for five seconds");
        return {};
    }
};

output_loop::output_loop(unique_fd socket, unique_fd epoll)
    : impl_(std::make_unique<impl>(std::move(socket), std::move(epoll)))
{
}

output_loop::~output_loop() = default;

result<void> output_loop::run() { return impl_->run(); }

} // namespace procctl::output
