#include "daemon/output/output_client.h"

#include "daemon/os/foreign_descriptors.h"
#include "daemon/output/log_pipe.h"
#include "daemon/output/message_socket.h"
#include "daemon/output/output_worker.h"
#include "daemon/output/record.h"
#include "daemon/output/target.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace procctl {
namespace {

using namespace output;
using boost::system::error_code;
using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr int last_words_limit_ms = 200;
// What a run wrote last is waited for so long; and not at all where a process has been at one thing, which
// can only be a disk, for longer than the second number.
constexpr auto settle_limit = milliseconds(100);
constexpr auto stall_limit = milliseconds(40);
constexpr auto settle_look = milliseconds(20);
constexpr auto rotate_limit = std::chrono::seconds(5);

struct worker {
    std::string place; // empty: not known yet; the first file decides
    std::uint32_t slot = 0;
    std::size_t streams = 0;
    bool is_first = false;
    bool is_retiring = false; // its last stream is gone
    std::unique_ptr<output_worker> process;
};

struct stream_ends {
    unique_fd read, write;
    std::uint32_t slot = 0;
    bool is_closing = false;
    bool has_run = false;
    std::uint64_t run_began_after = 0; // bytes
    unsigned finishes = 0;             // that have not been answered
    std::uint64_t moved = 0;           // when the last one was: record_slot::moved
    pid_t pid = 0;
    worker* at = nullptr; // null: it is not known yet where
    bool drops = false;   // on_log_error: only then has the record anything to say of it
    std::string settings; // as bytes: a third of what they take otherwise
    std::unique_ptr<stream_health> trouble;
};

struct pending_drain {
    std::function<void(std::vector<std::string>)> done;
    boost::asio::steady_timer limit;
    std::vector<std::uint32_t> missing; // slots of the processes that have not answered
};

struct pending_finish {
    stream_id id = 0;
    output_client::finish_handlers tell;
    clock::time_point limit;
};

struct pending_rotation {
    stream_id id = 0;
    std::function<void(int)> done;
    boost::asio::steady_timer limit;
};

stream_settings settings_of(const stream_ends& s) { return *settings_from_bytes(s.settings); }

// Asked by poll(2): FIONREAD waits for the pipe's lock, which the process has while it writes.
bool holds_bytes(const stream_ends& s)
{
    pollfd pipe{s.read.get(), POLLIN, 0};
    return ::poll(&pipe, 1, 0) > 0 && (pipe.revents & POLLIN) != 0;
}

// Spliced, a pipe is locked for as long as the write takes, and whoever writes into it waits: not the daemon.
stream_settings own_file(const std::string& path)
{
    stream_settings s;
    s.path = path;
    s.is_copied = true;
    return s;
}

} // namespace

struct output_client::impl {
    impl(boost::asio::io_context& i, settings s, handlers h)
        : io(i), chosen(std::move(s)), tell(std::move(h)), settle_timer(i)
    {
    }

    using kind = output_worker::queued::kind;

    boost::asio::io_context& io;
    settings chosen;
    handlers tell;

    unique_fd record;
    std::uint32_t next_slot = 0;
    std::vector<std::uint32_t> free_slots;
    std::vector<std::unique_ptr<worker>> workers;
    std::unordered_map<stream_id, stream_ends> streams;
    stream_id next_id = 1;

    stream_id console_log = 0;
    std::unique_ptr<log_pipe> file_lines, console_lines;
    bool is_flush_posted = false;

    std::uint32_t next_tag = 1;
    std::map<std::uint32_t, pending_drain> drains;
    std::map<std::uint32_t, pending_finish> finishes;
    std::map<std::uint32_t, pending_rotation> rotations;
    boost::asio::steady_timer settle_timer;
    bool is_settle_timer_set = false;

    bool is_stopping = false;
    std::shared_ptr<char> life = std::make_shared<char>(); // handlers that outlive us see it gone

    // --- The output processes

    result<std::uint32_t> take_slot()
    {
        if (!free_slots.empty()) {
            const std::uint32_t slot = free_slots.back();
            free_slots.pop_back();
            return slot;
        }
        if (const auto grown = grow_record(record.get(), next_slot); !grown) return grown.error();
        return next_slot++;
    }

    result<worker*> add_worker(std::string place)
    {
        const auto slot = take_slot();
        if (!slot) return slot.error();
        auto made = std::make_unique<worker>();
        worker& w = *made;
        w.place = std::move(place);
        w.slot = *slot;
        w.is_first = workers.empty();
        w.process = std::make_unique<output_worker>(
            io, chosen.executable,
            output_worker::handlers{
                .send = [this, &w](int to, const output_worker::queued& q) { return send(w, to, q); },
                .tell_all = [this, &w] { tell_all(w); },
                .hear = [this, &w](const reply& r) { std::visit([&](const auto& one) { hear(w, one); }, r); },
                .started = [this](pid_t pid,
                                  unique_fd pidfd) { tell.process_started(pid, std::move(pidfd)); },
                .ended = [this, &w](const std::string& how) { process_ended(w, how); },
                .is_needed = [this, &w] { return !is_stopping && !w.is_retiring; }});
        workers.push_back(std::move(made));
        return &w;
    }

    void tell_all(worker& w)
    {
        const auto mine = [&](stream_id id) {
            const auto found = streams.find(id);
            return found != streams.end() && found->second.at == &w;
        };
        w.process->enqueue({kind::hello, 0});
        for (const auto& [id, s] : streams)
            if (s.at == &w) w.process->enqueue({kind::open, id});
        for (const auto& [tag, f] : finishes)
            if (mine(f.id)) w.process->enqueue({kind::finish, tag});
        for (const auto& [tag, r] : rotations)
            if (mine(r.id)) w.process->enqueue({kind::rotate, tag});
        for (const auto& [id, s] : streams)
            if (s.at == &w && s.is_closing) w.process->enqueue({kind::close, id});
        for (const auto& [tag, d] : drains)
            w.process->enqueue({kind::drain, tag});
        if (is_stopping || w.is_retiring) w.process->enqueue({kind::stop, 0});
    }

    void process_ended(worker& w, const std::string& how)
    {
        if (!w.is_retiring && tell.process_ended) tell.process_ended(how);
        if (w.is_retiring) {
            const auto found =
                std::ranges::find_if(workers, [&](const auto& one) { return one.get() == &w; });
            // Not before it has returned from telling us.
            boost::asio::post(io, [gone = std::shared_ptr<worker>(std::move(*found))] {});
            free_slots.push_back(w.slot);
            workers.erase(found);
        }
        if (!is_stopping) return;
        const bool runs_any =
            std::ranges::any_of(workers, [](const auto& one) { return one->process->process_id() != 0; });
        if (runs_any) return;
        while (!drains.empty())
            end_drain(drains.begin()->first);
        if (tell.all_ended) tell.all_ended();
    }

    // One that has nothing to do any more is let go; the first stays for what comes.
    void retire_if_idle(worker& w)
    {
        if (w.is_first || w.streams != 0 || is_stopping) return;
        w.is_retiring = true;
        w.process->enqueue({kind::stop, 0});
    }

    // A disk that does not answer: the process has been at one thing for long.
    bool is_stalled(const worker& w) const
    {
        if (w.process->process_id() == 0) return false;
        const auto slot = read_slot(record.get(), w.slot);
        if (!slot || slot->since == 0) return false;
        const auto since = clock::time_point(std::chrono::nanoseconds(slot->since));
        return clock::now() - since >= stall_limit;
    }

    result<void> send(const worker& w, int to, const output_worker::queued& q)
    {
        const auto tag = static_cast<std::uint32_t>(q.value);
        switch (q.what) {
        case kind::hello:
            return send_message(to, encode(order{output::hello{protocol_version, w.slot}}), record.get());
        case kind::drain: return send_message(to, encode(order{drain_streams{q.value}}));
        case kind::reopen: return send_message(to, encode(order{reopen_logs{}}));
        case kind::stop: return send_message(to, encode(order{stop_moving{}}));
        case kind::finish: {
            const auto found = finishes.find(tag);
            const auto s = found == finishes.end() ? streams.end() : streams.find(found->second.id);
            if (s == streams.end()) return {};
            return send_message(to, encode(order{finish_run{s->first, s->second.slot, tag}}));
        }
        case kind::rotate: {
            const auto found = rotations.find(tag);
            const auto s = found == rotations.end() ? streams.end() : streams.find(found->second.id);
            if (s == streams.end()) return {};
            return send_message(to, encode(order{rotate_log{s->first, s->second.slot, tag}}));
        }
        case kind::open:
        case kind::close:
        case kind::set_pid: break;
        }
        const auto id = static_cast<stream_id>(q.value);
        const auto found = streams.find(id);
        if (found == streams.end()) return {};
        const stream_ends& s = found->second;
        if (q.what == kind::close) return send_message(to, encode(order{close_stream{id, s.slot}}));
        if (q.what == kind::set_pid)
            return send_message(
                to, encode(order{output::set_pid{id, s.slot, static_cast<std::uint32_t>(s.pid)}}));
        const auto pid = static_cast<std::uint32_t>(s.pid);
        return send_message(to, encode(order{open_stream{id, s.slot, settings_of(s), pid}}), s.read.get());
    }

    // --- Replies

    template <class Reply> stream_ends* stream_of(const Reply& r)
    {
        const auto found = streams.find(r.id);
        return found == streams.end() ? nullptr : &found->second;
    }

    void report(stream_report::kind what, stream_id id, int errno_value, std::string path,
                std::string message)
    {
        if (tell.stream_reported)
            tell.stream_reported({what, id, std::move(path), errno_value, std::move(message)});
    }

    void hear(worker&, const trouble& r)
    {
        stream_ends* const s = stream_of(r);
        if (s == nullptr) return;
        const std::string path = settings_of(*s).path;
        const char* const what = r.at == step::open ? "cannot open " : "cannot write ";
        const std::string why = r.at == step::open && r.errno_value == ENXIO
                                    ? path + ": nobody listens there"
                                    : make_error(r.errno_value, path).message();
        if (!s->trouble) {
            s->trouble = std::make_unique<stream_health>();
            s->trouble->since = std::chrono::time_point_cast<duration>(std::chrono::system_clock::now());
        }
        s->trouble->trouble = what + why;
        report(stream_report::kind::trouble, r.id, r.errno_value, path, what + why);
    }

    void hear(worker&, const recovered& r)
    {
        stream_ends* const s = stream_of(r);
        if (s == nullptr) return;
        s->trouble.reset();
        const stream_settings chosen_for = settings_of(*s);
        std::string message = "writing " + chosen_for.path + " again; ";
        const std::uint64_t dropped = dropped_by(*s);
        message +=
            dropped == 0 ? "nothing of it was lost" : std::to_string(dropped) + " bytes were dropped so far";
        report(stream_report::kind::recovered, r.id, 0, chosen_for.path, std::move(message));
    }

    void hear(worker&, const notice& r)
    {
        stream_ends* const s = stream_of(r);
        if (s == nullptr) return;
        const std::string path = settings_of(*s).path;
        switch (r.what) {
        case notice_kind::rotated:
            return report(stream_report::kind::rotated, r.id, 0, r.path, "rotated " + path + " to " + r.path);
        case notice_kind::recreated:
            return report(stream_report::kind::notice, r.id, 0, path,
                          path + " was deleted or moved away; began it anew");
        case notice_kind::cannot_rotate:
            if (r.errno_value == ELOOP)
                return report(stream_report::kind::notice, r.id, r.errno_value, path,
                              path + " is a symbolic link, which is never rotated; it grows on");
            return report(stream_report::kind::notice, r.id, r.errno_value, path,
                          make_error(r.errno_value, "cannot rotate " + path).message() + "; it grows on");
        case notice_kind::cannot_own:
            return report(stream_report::kind::notice, r.id, r.errno_value, path,
                          make_error(r.errno_value, "cannot change the owner of " + path).message());
        }
    }

    void hear(worker& w, const closed& r)
    {
        const auto found = streams.find(r.id);
        if (found == streams.end()) return;
        free_slots.push_back(found->second.slot);
        streams.erase(found);
        --w.streams;
        end_finishes_of(r.id);
        retire_if_idle(w);
    }

    void hear(worker&, const run_finished& r)
    {
        const auto found = finishes.find(r.tag);
        if (found == finishes.end()) return;
        pending_finish f = std::move(found->second);
        finishes.erase(found);
        if (const auto s = streams.find(f.id); s != streams.end()) {
            --s->second.finishes;
            s->second.moved = r.moved;
        }
        if (f.tell.tail) f.tell.tail(r.tail);
        settle(f);
    }

    void hear(worker&, const rotated& r) { end_rotation(r.tag, r.errno_value); }

    void hear(worker& w, const drained& r)
    {
        const auto found = drains.find(static_cast<std::uint32_t>(r.tag));
        if (found == drains.end()) return;
        std::erase(found->second.missing, w.slot);
        if (found->second.missing.empty()) end_drain(found->first);
    }

    void hear(worker&, const stopped&) {}

    // --- Streams

    result<stream_id> open_stream_to(const stream_settings& s)
    {
        if (s.path.empty() || s.path.size() > max_text_size || s.path.find('\0') != std::string::npos)
            return make_error(ENAMETOOLONG, "cannot open " + s.path);
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) < 0) return last_error("cannot make a pipe for " + s.path);
        stream_ends made;
        made.read = unique_fd(ends[0]);
        made.write = unique_fd(ends[1]);
        made.drops = s.on_error == log_error_action::drop;
        made.settings = to_bytes(s);
        const auto slot = take_slot();
        if (!slot) return slot.error();
        made.slot = *slot;
        if (auto said = write_since(record.get(), made.slot, 0); !said) return said.error();
        const stream_id id = next_id++;
        streams.emplace(id, std::move(made));
        return id;
    }

    // Where a stream is served, as soon as that is known; its pipe keeps the bytes until then.
    void find_place_of(stream_id id, const stream_settings& s)
    {
        if (s.sink != stream_sink::file) return put_at(id, std::string(output_client::no_disk));
        if (!chosen.find_place) return put_at(id, {});
        chosen.find_place(s.path, [this, id, guard = std::weak_ptr(life)](std::string place) {
            if (!guard.expired()) put_at(id, std::move(place));
        });
    }

    void put_at(stream_id id, std::string place)
    {
        const auto found = streams.find(id);
        if (found == streams.end()) return;
        stream_ends& s = found->second;
        if (s.at != nullptr) return; // there was no time to find out
        const auto [w, is_new] = worker_at(std::move(place));
        s.at = w;
        ++w->streams;
        if (is_new) return w->process->start_or_retry(); // and be told everything
        w->process->enqueue({kind::open, id});
        for (const auto& [tag, f] : finishes)
            if (f.id == id) w->process->enqueue({kind::finish, tag});
        for (const auto& [tag, r] : rotations)
            if (r.id == id) w->process->enqueue({kind::rotate, tag});
        if (s.is_closing) w->process->enqueue({kind::close, id});
    }

    std::pair<worker*, bool> worker_at(std::string place)
    {
        worker& first = *workers.front();
        if (place.empty()) return {&first, false};
        for (const auto& w : workers)
            if (w->place == place && !w->is_retiring) return {w.get(), false};
        // The first takes over the place of the first stream, usually the daemon's console.
        if (first.place.empty()) {
            first.place = std::move(place);
            return {&first, false};
        }
        const auto added = add_worker(std::move(place));
        if (added) return {*added, true};
        if (tell.process_ended) tell.process_ended(added.error().message());
        return {&first, false}; // better one for two disks than none
    }

    // Those whose place is not known have to do without.
    void place_all()
    {
        std::vector<stream_id> homeless;
        for (const auto& [id, s] : streams)
            if (s.at == nullptr) homeless.push_back(id);
        for (const stream_id id : homeless)
            put_at(id, {});
    }

    void close(stream_id id)
    {
        const auto found = streams.find(id);
        if (found == streams.end() || found->second.is_closing) return;
        // The read end is kept until all is written: an output process may die of it, and another go on.
        stream_ends& s = found->second;
        s.is_closing = true;
        // The last close of a pipe waits for its lock, which the process has while it writes.
        if (s.at != nullptr && is_stalled(*s.at)) {
            std::vector<unique_fd> end;
            end.push_back(std::move(s.write));
            close_in_child(std::move(end));
        } else {
            s.write.reset();
        }
        if (s.at != nullptr) s.at->process->enqueue({kind::close, id});
    }

    std::uint64_t dropped_by(const stream_ends& s) const
    {
        if (!s.drops) return 0; // a status of all asks for each
        const auto slot = read_slot(record.get(), s.slot);
        return slot ? slot->dropped : 0;
    }

    // --- The ends of runs

    // How many bytes have been written to it: those that have left the pipe and those in it; 0: they are
    // being moved this very moment, or their target refuses them, and nobody can tell.
    std::uint64_t written_to(const stream_ends& s) const
    {
        const auto rests = [&] {
            const auto slot = s.at != nullptr ? read_slot(record.get(), s.at->slot) : record_slot{};
            return slot && slot->since == 0;
        };
        if (!rests()) return 0;
        const auto before = read_slot(record.get(), s.slot);
        // Does not wait for the pipe's lock: where lines matter nobody holds it for longer than a read.
        const std::size_t waiting = bytes_in(s.read.get());
        const auto after = read_slot(record.get(), s.slot);
        if (!before || !after || before->moved != after->moved || !rests()) return 0;
        if (after->state == slot_state::in_trouble) return 0;
        return (after->state == slot_state::free ? 0 : after->moved) + waiting;
    }

    void set_run(stream_id id, bool writes)
    {
        const auto found = streams.find(id);
        if (found == streams.end() || found->second.has_run == writes) return;
        stream_ends& s = found->second;
        s.has_run = writes;
        if (!writes) s.run_began_after = written_to(s);
        // An error shows at the next stream that is opened; this one's lines are ended as if none were begun.
        static_cast<void>(write_since(record.get(), s.slot, writes ? s.run_began_after + 1 : 0));
    }

    // Whether nothing was written since the last run ended: then nobody has to be asked. The order matters: a
    // process that has emptied the pipe notes that before it rests. What goes to no regular file may have
    // been read and wait for room, which is noted nowhere.
    bool is_silent(const stream_ends& s) const
    {
        if (s.at == nullptr || s.finishes != 0 || s.at->process->process_id() == 0) return false;
        if (holds_bytes(s)) return false;
        const auto process = read_slot(record.get(), s.at->slot);
        if (!process || process->since != 0) return false;
        const auto mine = read_slot(record.get(), s.slot);
        return mine && mine->state == slot_state::working && mine->ino != 0 && mine->moved == s.moved;
    }

    void finish(stream_id id, finish_handlers h)
    {
        const auto found = streams.find(id);
        if (found == streams.end()) {
            if (h.settled) h.settled();
            return;
        }
        if (is_silent(found->second)) {
            if (h.settled) h.settled();
            return;
        }
        worker* const w = found->second.at;
        const std::uint32_t tag = next_tag++;
        ++found->second.finishes;
        pending_finish& f =
            finishes.emplace(tag, pending_finish{id, std::move(h), clock::now() + settle_limit})
                .first->second;
        const bool stands_still = w != nullptr && is_stalled(*w);
        if (w != nullptr) w->process->enqueue({kind::finish, tag});
        if (stands_still)
            settle(f);
        else
            look_later();
    }

    // Nothing more comes for a stream that is gone.
    void end_finishes_of(stream_id id)
    {
        std::vector<std::function<void()>> settled; // they may end streams
        for (auto f = finishes.begin(); f != finishes.end();)
            if (f->second.id == id) {
                if (f->second.tell.settled) settled.push_back(std::move(f->second.tell.settled));
                f = finishes.erase(f);
            } else {
                ++f;
            }
        for (const auto& one : settled)
            one();
    }

    static void settle(pending_finish& f)
    {
        if (auto settled = std::exchange(f.tell.settled, {})) settled();
    }

    // A reply comes within a millisecond. What has not come when we look is waited for until its limit,
    // unless a disk stands still.
    void look_later()
    {
        if (std::exchange(is_settle_timer_set, true)) return;
        settle_timer.expires_after(settle_look);
        settle_timer.async_wait([this, guard = std::weak_ptr(life)](const error_code& problem) {
            if (problem || guard.expired()) return;
            is_settle_timer_set = false;
            settle_overdue();
        });
    }

    void settle_overdue()
    {
        const auto now = clock::now();
        std::vector<std::function<void()>> settled; // they may end streams
        bool are_some_waiting = false;
        for (auto& [tag, f] : finishes) {
            if (!f.tell.settled) continue;
            const auto s = streams.find(f.id);
            const bool stands_still =
                s != streams.end() && s->second.at != nullptr && is_stalled(*s->second.at);
            if (stands_still || now >= f.limit)
                settled.push_back(std::exchange(f.tell.settled, {}));
            else
                are_some_waiting = true;
        }
        for (const auto& one : settled)
            one();
        if (are_some_waiting) look_later();
    }

    // --- Rotation

    void rotate(stream_id id, std::function<void(int)> done)
    {
        const auto found = streams.find(id);
        if (found == streams.end()) return done(ENOENT);
        const std::uint32_t tag = next_tag++;
        pending_rotation& r =
            rotations.emplace(tag, pending_rotation{id, std::move(done), boost::asio::steady_timer(io)})
                .first->second;
        r.limit.expires_after(rotate_limit);
        r.limit.async_wait([this, tag, guard = std::weak_ptr(life)](const error_code& problem) {
            if (!problem && !guard.expired()) end_rotation(tag, ETIMEDOUT);
        });
        if (found->second.at != nullptr) found->second.at->process->enqueue({kind::rotate, tag});
    }

    void end_rotation(std::uint32_t tag, int errno_value)
    {
        const auto found = rotations.find(tag);
        if (found == rotations.end()) return;
        const auto done = std::move(found->second.done);
        rotations.erase(found);
        done(errno_value);
    }

    // --- The daemon's own log

    result<void> open_log(const stream_settings& s, stream_id& id, std::unique_ptr<log_pipe>& lines)
    {
        const auto opened = open_stream_to(s);
        if (!opened) return opened.error();
        id = *opened;
        lines = std::make_unique<log_pipe>(io, std::move(streams.at(id).write));
        find_place_of(id, s);
        return {};
    }

    void log_line(std::string_view line)
    {
        if (file_lines) file_lines->add(line);
        if (console_lines) console_lines->add(line);
        if (is_flush_posted || (!file_lines && !console_lines)) return;
        is_flush_posted = true;
        boost::asio::post(io, [this, guard = std::weak_ptr(life)] {
            if (guard.expired()) return;
            is_flush_posted = false;
            if (file_lines) file_lines->flush();
            if (console_lines) console_lines->flush();
        });
    }

    void say_last_words()
    {
        if (file_lines) file_lines->flush_and_wait(last_words_limit_ms);
        if (console_lines) console_lines->flush_and_wait(0);
    }

    // --- Drains

    void start_drain(unsigned limit_ms, std::function<void(std::vector<std::string>)> done)
    {
        if (file_lines) file_lines->flush();
        if (console_lines) console_lines->flush();
        place_all();
        const std::uint32_t tag = next_tag++;
        pending_drain& d =
            drains.emplace(tag, pending_drain{std::move(done), boost::asio::steady_timer(io), {}})
                .first->second;
        d.limit.expires_after(milliseconds(limit_ms));
        d.limit.async_wait([this, tag, guard = std::weak_ptr(life)](const error_code& problem) {
            if (!problem && !guard.expired()) end_drain(tag);
        });
        for (const auto& w : workers)
            if (!w->is_retiring) d.missing.push_back(w->slot);
        for (const auto& w : workers)
            if (!w->is_retiring) w->process->enqueue({kind::drain, tag});
    }

    void end_drain(std::uint32_t tag)
    {
        const auto found = drains.find(tag);
        if (found == drains.end()) return;
        const pending_drain d = std::move(found->second);
        drains.erase(found);
        d.done(unwritten_by(d.missing));
    }

    std::vector<std::string> unwritten_by(const std::vector<std::uint32_t>& processes) const
    {
        std::vector<std::string> out;
        for (const auto& [id, s] : streams) {
            if (s.at == nullptr || std::ranges::find(processes, s.at->slot) == processes.end()) continue;
            const stream_settings to = settings_of(s);
            if (!to.is_lossy && holds_bytes(s)) out.push_back(to.path);
        }
        std::ranges::sort(out);
        out.erase(std::unique(out.begin(), out.end()), out.end()); // clang 14 has no std::ranges::unique
        return out;
    }
};

output_client::output_client(boost::asio::io_context& io, settings s, handlers h)
    : impl_(std::make_unique<impl>(io, std::move(s), std::move(h)))
{
}

output_client::~output_client() { impl_->say_last_words(); }

result<void> output_client::start()
{
    auto record = make_record();
    if (!record) return record.error();
    impl_->record = std::move(*record);
    const auto first = impl_->add_worker({});
    if (!first) return first.error();
    if (auto started = (*first)->process->start(); !started) return started;
    const settings& s = impl_->chosen;
    stream_id file_log = 0;
    if (!s.log_file.empty())
        if (auto opened = impl_->open_log(own_file(s.log_file), file_log, impl_->file_lines); !opened)
            return opened;
    if (!s.console) return {};
    stream_settings console = own_file("/dev/stderr");
    console.is_lossy = true;
    return impl_->open_log(console, impl_->console_log, impl_->console_lines);
}

void output_client::child_ended(pid_t pid, const std::string& how)
{
    for (const auto& w : impl_->workers)
        if (w->process->process_id() == pid) return w->process->child_ended(how);
}

std::vector<pid_t> output_client::process_ids() const
{
    std::vector<pid_t> out;
    for (const auto& w : impl_->workers)
        if (const pid_t pid = w->process->process_id(); pid != 0) out.push_back(pid);
    return out;
}

result<stream_id> output_client::open(const stream_settings& s)
{
    const auto id = impl_->open_stream_to(s);
    if (id) impl_->find_place_of(*id, s);
    return id;
}

bool output_client::has_settings(stream_id id, const stream_settings& s) const
{
    const auto found = impl_->streams.find(id);
    return found != impl_->streams.end() && found->second.settings == to_bytes(s);
}

int output_client::write_end(stream_id id) const
{
    const auto found = impl_->streams.find(id);
    return found == impl_->streams.end() ? -1 : found->second.write.get();
}

void output_client::close(stream_id id) { impl_->close(id); }

stream_health output_client::health(stream_id id) const
{
    const auto found = impl_->streams.find(id);
    if (found == impl_->streams.end()) return {};
    stream_health out = found->second.trouble ? *found->second.trouble : stream_health{};
    out.dropped = impl_->dropped_by(found->second);
    return out;
}

void output_client::set_pid(stream_id id, pid_t pid)
{
    const auto found = impl_->streams.find(id);
    if (found == impl_->streams.end()) return;
    found->second.pid = pid;
    if (found->second.at != nullptr)
        found->second.at->process->enqueue({output_worker::queued::kind::set_pid, id});
}

void output_client::set_run(stream_id id, bool writes) { impl_->set_run(id, writes); }

void output_client::finish(stream_id id, finish_handlers h) { impl_->finish(id, std::move(h)); }

void output_client::rotate(stream_id id, std::function<void(int)> done)
{
    impl_->rotate(id, std::move(done));
}

void output_client::reopen_all()
{
    for (const auto& w : impl_->workers)
        w->process->enqueue({output_worker::queued::kind::reopen, 0});
}

void output_client::log_line(std::string_view line) { impl_->log_line(line); }

std::uint64_t output_client::dropped_log_lines() const
{
    const auto of = [](const std::unique_ptr<log_pipe>& lines) { return lines ? lines->dropped() : 0; };
    return std::max(of(impl_->file_lines), of(impl_->console_lines));
}

void output_client::drain(unsigned limit_ms, std::function<void(std::vector<std::string>)> done)
{
    impl_->start_drain(limit_ms, std::move(done));
}

void output_client::stop()
{
    impl_->is_stopping = true;
    impl_->say_last_words();
    for (const auto& w : impl_->workers)
        w->process->enqueue({output_worker::queued::kind::stop, 0});
}

int output_client::record() const { return impl_->record.get(); }

std::uint32_t output_client::slot(stream_id id) const
{
    const auto found = impl_->streams.find(id);
    return found == impl_->streams.end() ? 0 : found->second.slot;
}

int output_client::read_end(stream_id id) const
{
    const auto found = impl_->streams.find(id);
    return found == impl_->streams.end() ? -1 : found->second.read.get();
}

} // namespace procctl
