#include "daemon/output/output_loop.h"

#include "daemon/output/daemon_link.h"
#include "daemon/output/stream_timers.h"
#include "daemon/output/target.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace procctl::output {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// What one stream may move before the next one has its turn.
constexpr std::size_t burst_size = 1U << 20U;
// A stream that wrote again this soon is busy: it is looked at after a nap and not at each of its writes. A
// program that writes line by line would otherwise cost a wake-up per line (docs/output.md has figures).
constexpr auto busy_within = milliseconds(5);
constexpr auto nap = milliseconds(1);
// A pipe seen about this full gets a larger one, once; before, a thousand idle pipes would only cost memory.
constexpr std::size_t seen_full = 48U << 10U;
constexpr int larger_pipe = 1 << 20;
// After an error: the first pause, and the longest.
constexpr auto first_pause = milliseconds(10);
constexpr auto longest_pause = milliseconds(1000);
// Asked to stop, it gives targets that take nothing at all this long.
constexpr auto stop_patience = std::chrono::seconds(5);

// What epoll tells us about: the daemon's socket, a slot's pipe, or a slot's target.
constexpr std::uint64_t socket_key = UINT64_MAX;
constexpr std::uint64_t pipe_key(std::uint32_t slot) { return std::uint64_t{slot} * 2; }
constexpr std::uint64_t target_key(std::uint32_t slot) { return std::uint64_t{slot} * 2 + 1; }

struct stream {
    stream(open_stream&& o, unique_fd read_end)
        : id(o.id), slot(o.slot), is_lossy(o.is_lossy), pipe(std::move(read_end)), file(std::move(o.path))
    {
    }

    stream_id id;
    std::uint32_t slot;
    bool is_lossy;
    bool is_armed = false;   // epoll tells when the pipe has something
    bool is_closing = false; // to be forgotten once the pipe is empty
    bool has_ended = false;  // the pipe has no writer and is empty
    bool is_in_trouble = false;
    bool has_larger_pipe = false;
    std::uint16_t pause_ms = 0; // before the next attempt, after an error
    int errno_value = 0;
    unique_fd pipe;
    clock::time_point deadline; // of its timer; zero: none is set
    clock::time_point last_active;
    std::uint64_t moved = 0;
    target file;
};

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
        : epoll(std::move(e)), daemon(std::move(socket), epoll.get(), socket_key)
    {
    }

    unique_fd epoll;
    daemon_link daemon;
    record_writer record;
    bool has_record = false;
    bool is_stopping = false;                     // told to
    std::vector<std::unique_ptr<stream>> streams; // by slot
    std::size_t stream_count = 0;
    stream_timers timers; // an entry that is not its stream's deadline is void
    std::vector<drain> drains;
    clock::time_point now;
    clock::time_point last_progress; // while stopping
    std::optional<error> fatal;

    stream* at(std::uint32_t slot) { return slot < streams.size() ? streams[slot].get() : nullptr; }

    // Without a daemon nobody will close a stream: it is over when its last writer is.
    void forget_ended()
    {
        for (const auto& s : streams)
            if (s && s->has_ended) forget(*s);
    }

    // Orders.

    void obey(hello& o, unique_fd passed)
    {
        if (o.version != protocol_version) {
            fatal = make_error("cannot work for this daemon: it is of another version");
            return;
        }
        const auto mapped = record.map(std::move(passed));
        has_record = bool(mapped);
        if (!mapped) fatal = mapped.error();
    }

    void obey(open_stream& o, unique_fd pipe)
    {
        if (at(o.slot) != nullptr || !pipe) return;
        if (o.slot >= streams.size()) streams.resize(o.slot + 1);
        ++stream_count;
        auto& s = *(streams[o.slot] = std::make_unique<stream>(std::move(o), std::move(pipe)));
        // Its own description's flag: the write end that programs have stays as it is.
        ::fcntl(s.pipe.get(), F_SETFL, O_NONBLOCK);
        const int problem = s.file.open();
        go_on_from_record(s);
        note(s);
        arm(s, true);
        // Tried again when there is something to write.
        if (problem != 0) report(s, step::open, problem);
    }

    void go_on_from_record(stream& s)
    {
        if (!has_record) return;
        const auto slot = record.at(s.slot);
        if (!slot || (*slot)->stream != s.id) return;
        // A predecessor has moved so much. It may have been killed after a splice and before it could note
        // it: then the file is longer than the note says.
        const record_slot& old = **slot;
        s.moved = old.moved;
        const bool is_same_file = old.ino != 0 && old.ino == s.file.ino() && old.dev == s.file.dev();
        if (is_same_file && s.file.position() > old.position) s.moved += s.file.position() - old.position;
    }

    void obey(close_stream& o, unique_fd)
    {
        stream* const s = at(o.slot);
        if (s == nullptr || s->id != o.id) {
            daemon.send(closed{o.id}); // a predecessor got that far
            return;
        }
        s->is_closing = true;
        if (s->has_ended)
            forget(*s);
        else
            again(*s, now);
    }

    void obey(drain_streams& o, unique_fd)
    {
        drain d{o.tag, {}};
        for (const auto& s : streams) {
            if (!s || s->is_lossy) continue;
            const std::size_t waiting = bytes_in(s->pipe.get()) + s->file.held();
            if (waiting != 0) d.open.push_back({s->slot, s->id, s->moved + waiting});
        }
        if (d.open.empty())
            daemon.send(drained{o.tag});
        else
            drains.push_back(std::move(d));
    }

    void obey(stop_moving&, unique_fd)
    {
        is_stopping = true;
        last_progress = now;
        for (const auto& s : streams) {
            if (!s) continue;
            s->is_closing = true;
            if (s->has_ended)
                forget(*s);
            else if (!s->is_in_trouble)
                again(*s, now);
        }
    }

    // The life of a stream.

    void note(const stream& s)
    {
        if (!has_record) return;
        const auto slot = record.at(s.slot);
        if (!slot) return;
        record_slot next;
        next.stream = s.id;
        next.state = s.is_in_trouble ? slot_state::in_trouble : slot_state::working;
        next.errno_value = s.errno_value;
        next.dev = s.file.dev();
        next.ino = s.file.ino();
        next.position = s.file.position();
        next.moved = s.moved;
        write_slot(**slot, next);
    }

    void forget(stream& s)
    {
        if (has_record)
            if (const auto slot = record.at(s.slot)) write_slot(**slot, record_slot{});
        // By name: a duplicate of a descriptor that others share does not leave epoll when it is closed.
        if (s.file.is_open()) ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, s.file.descriptor(), nullptr);
        if (!is_stopping) daemon.send(closed{s.id});
        streams[s.slot].reset();
        --stream_count;
    }

    void report(stream& s, step at, int errno_value)
    {
        const bool is_news = !s.is_in_trouble || s.errno_value != errno_value;
        s.is_in_trouble = true;
        s.errno_value = errno_value;
        note(s);
        if (is_news) daemon.send(trouble{s.id, at, errno_value});
    }

    void report_recovery(stream& s)
    {
        s.pause_ms = 0;
        if (!s.is_in_trouble) return;
        s.is_in_trouble = false;
        s.errno_value = 0;
        note(s);
        daemon.send(recovered{s.id});
    }

    void arm(stream& s, bool wanted)
    {
        if (s.is_armed == wanted) return;
        epoll_event event{};
        // EPOLLHUP cannot be turned off, but one-shot: it is told once more, and ignored.
        event.events = wanted ? unsigned{EPOLLIN} : unsigned{EPOLLONESHOT};
        event.data.u64 = pipe_key(s.slot);
        const int fd = s.pipe.get();
        if (::epoll_ctl(epoll.get(), EPOLL_CTL_MOD, fd, &event) == 0 ||
            (errno == ENOENT && ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0))
            s.is_armed = wanted;
        else if (wanted) // epoll(7) has a limit of watches for each user: then we look by ourselves
            again(s, now + longest_pause);
    }

    // Serves the stream at that time, and not before.
    void again(stream& s, clock::time_point when)
    {
        arm(s, false);
        s.deadline = when;
        timers.add({when, s.slot});
    }

    void wait_for_room(stream& s)
    {
        arm(s, false);
        epoll_event event{};
        event.events = unsigned{EPOLLOUT} | unsigned{EPOLLONESHOT};
        event.data.u64 = target_key(s.slot);
        const int fd = s.file.descriptor();
        if (::epoll_ctl(epoll.get(), EPOLL_CTL_MOD, fd, &event) == 0) return;
        if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0) return;
        pause(s); // something that cannot be polled
    }

    void pause(stream& s)
    {
        const auto next =
            s.pause_ms == 0 ? first_pause : std::min(longest_pause, milliseconds(s.pause_ms) * 2);
        s.pause_ms = static_cast<std::uint16_t>(next.count());
        again(s, now + next);
    }

    void serve(stream& s)
    {
        s.deadline = {};
        const target::outcome o = s.file.take(s.pipe.get(), burst_size);
        using enum target::status;
        switch (o.what) {
        case moved: return after_move(s, o.bytes);
        case pipe_empty:
            report_recovery(s);
            // A program that outlives its instance (kill_mode process or none) goes on writing: not before
            // all writers are gone is it over.
            if (s.is_closing && is_stopping)
                forget(s);
            else
                arm(s, true);
            return;
        case pipe_ended:
            report_recovery(s);
            s.has_ended = true;
            if (s.is_closing || !daemon.is_open())
                forget(s);
            else
                arm(s, false); // the daemon's order to close it is under way
            return;
        case target_full:
            if (s.is_lossy && s.is_closing)
                forget(s);
            else
                wait_for_room(s);
            return;
        case cannot_open: return after_error(s, step::open, o.errno_value);
        case cannot_write: return after_error(s, step::write, o.errno_value);
        }
    }

    void after_move(stream& s, std::size_t bytes)
    {
        s.moved += bytes;
        last_progress = now;
        note(s);
        if (bytes >= seen_full) {
            report_recovery(s);
            // Refused beyond the limits of an unprivileged user (pipe(7)): then it stays as it is.
            if (!s.has_larger_pipe && !s.is_lossy) ::fcntl(s.pipe.get(), F_SETPIPE_SZ, larger_pipe);
            s.has_larger_pipe = true;
        }
        const bool was_busy = now - s.last_active < busy_within;
        s.last_active = now;
        // In trouble, the rest may still not fit; closing, nobody will tell that the pipe is empty.
        if (s.is_in_trouble || s.is_closing)
            again(s, now);
        else if (bytes >= seen_full || !was_busy)
            arm(s, true);
        else
            again(s, now + nap);
    }

    void after_error(stream& s, step at, int errno_value)
    {
        if (s.is_lossy) return discard(s);
        // A full disk needs nothing but room; anything else may need the path to be looked up anew.
        if (at == step::write && errno_value != ENOSPC && errno_value != EDQUOT) close_target(s);
        report(s, at, errno_value);
        pause(s);
    }

    void close_target(stream& s)
    {
        if (s.file.is_open()) ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, s.file.descriptor(), nullptr);
        s.file.close();
    }

    // What a lossy stream's pipe holds is thrown away: its target has gone.
    void discard(stream& s)
    {
        std::array<char, target::copy_size> bytes;
        s.file.drop_held();
        ssize_t got = 0;
        while ((got = ::read(s.pipe.get(), bytes.data(), bytes.size())) > 0)
            s.moved += static_cast<std::uint64_t>(got);
        close_target(s);
        s.has_ended = got == 0;
        note(s);
        if (s.is_closing || (s.has_ended && !daemon.is_open()))
            forget(s);
        else
            arm(s, !s.has_ended);
    }

    // Turns of the loop.

    void check_drains()
    {
        std::erase_if(drains, [&](drain& d) {
            std::erase_if(d.open, [&](const drain::goal& g) {
                const stream* const s = at(g.slot);
                return s == nullptr || s->id != g.id || s->moved >= g.moved;
            });
            if (d.open.empty()) daemon.send(drained{d.tag});
            return d.open.empty();
        });
    }

    void run_timers()
    {
        // Those that are set meanwhile have their turn after epoll has been asked again.
        for (std::size_t due = timers.size(); due > 0 && timers.next() <= now; --due) {
            const stream_timers::entry first = timers.take();
            if (stream* const s = at(first.slot); s != nullptr && s->deadline == first.at) serve(*s);
        }
    }

    // For epoll_wait: milliseconds, rounded up; -1: no limit.
    int time_limit() const
    {
        auto next = timers.next();
        if (is_stopping) next = std::min(next, last_progress + stop_patience);
        if (next == clock::time_point::max()) return -1;
        const auto left = std::chrono::ceil<milliseconds>(next - clock::now()).count();
        return static_cast<int>(std::max<decltype(left)>(left, 0));
    }

    bool is_done() const
    {
        if (stream_count == 0) return is_stopping || !daemon.is_open();
        return is_stopping && now - last_progress >= stop_patience;
    }

    void handle(const epoll_event& event)
    {
        const std::uint64_t key = event.data.u64;
        if (key == socket_key) {
            daemon.handle(event.events, [this](order& o, unique_fd passed) {
                std::visit([&](auto& one) { obey(one, std::move(passed)); }, o);
            });
            if (!daemon.is_open()) forget_ended();
            return;
        }
        stream* const s = at(static_cast<std::uint32_t>(key / 2));
        if (s == nullptr) return; // closed a moment ago
        const bool is_target = key % 2 == 1;
        if (is_target || s->is_armed) serve(*s);
    }

    result<void> run()
    {
        std::array<epoll_event, 64> events;
        now = clock::now();
        while (!is_done()) {
            const int limit = time_limit();
            const int count =
                ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), limit);
            if (count < 0 && errno != EINTR) return last_error("cannot wait for output");
            now = clock::now();
            for (int i = 0; i < count; ++i)
                handle(events[static_cast<std::size_t>(i)]);
            run_timers();
            if (!drains.empty()) check_drains();
            if (fatal) return *fatal;
        }
        if (is_stopping) daemon.send(stopped{});
        if (stream_count != 0)
            return make_error("cannot write all output: gave up on " + std::to_string(stream_count) +
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
