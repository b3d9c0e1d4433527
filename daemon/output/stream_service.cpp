#include "daemon/output/stream_service.h"

#include <algorithm>

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>

namespace procctl::output {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// What one stream may move before the next one has its turn: 50 programs that flood are round in some 10 ms.
constexpr std::size_t burst_size = 256U << 10U;
// A stream that wrote again this soon is busy: it is looked at after a nap and not at each of its writes. A
// program that writes line by line would otherwise cost a wake-up per line (docs/output.md has figures).
constexpr auto busy_within = milliseconds(5);
constexpr auto nap = milliseconds(1);
// A pipe seen about this full gets a larger one, once; before, a thousand idle pipes would only cost memory.
constexpr std::size_t seen_full = 48U << 10U;
constexpr int larger_pipe = 1 << 20;
// The end of a line that others must not cut: how often it is looked for, and for how long.
constexpr auto look_for_line = milliseconds(10);
constexpr auto longest_wait_for_line = milliseconds(1000);
// After an error: the first pause, and the longest.
constexpr auto first_pause = milliseconds(10);
constexpr auto longest_pause = milliseconds(1000);
// The pid of a process is told right after it was made.
constexpr auto longest_wait_for_pid = milliseconds(100);
// Timers go by another clock than ages.
constexpr auto longest_wait_for_age = std::chrono::hours(24);

wall_time wall_now() { return std::chrono::time_point_cast<duration>(std::chrono::system_clock::now()); }

} // namespace

// --- The record

result<void> stream_service::use_record(unique_fd record, std::uint32_t own_slot)
{
    if (auto mapped = record_.map(std::move(record)); !mapped) return mapped;
    const auto slot = record_.at(own_slot);
    if (!slot) return slot.error();
    has_record_ = true;
    own_slot_ = own_slot;
    record_slot own;
    own.state = slot_state::process;
    write_slot(**slot, own);
    write_busy_since(**slot, 0); // a predecessor may have been killed at its work
    return {};
}

void stream_service::begin_work()
{
    now_ = clock::now();
    if (!has_record_) return;
    if (const auto slot = record_.at(own_slot_))
        write_busy_since(**slot, static_cast<std::uint64_t>(now_.time_since_epoch().count()));
}

void stream_service::rest()
{
    if (!has_record_) return;
    if (const auto slot = record_.at(own_slot_)) write_busy_since(**slot, 0);
}

void stream_service::note(const stream& s)
{
    if (!has_record_) return;
    if (const auto slot = record_.at(s.slot)) write_slot(**slot, s.note());
}

// --- Which there are

stream* stream_service::at(std::uint32_t slot)
{
    return slot < streams_.size() ? streams_[slot].get() : nullptr;
}

stream* stream_service::find(std::uint32_t slot, stream_id id)
{
    stream* const s = at(slot);
    return s != nullptr && s->id == id ? s : nullptr;
}

void stream_service::for_each(const std::function<void(stream&)>& use)
{
    for (std::size_t i = 0; i < streams_.size(); ++i) // `use` may end the stream
        if (streams_[i]) use(*streams_[i]);
}

void stream_service::open(const open_stream& o, unique_fd pipe)
{
    if (at(o.slot) != nullptr || !pipe) return;
    begin_work();
    const std::uint32_t slot = o.slot;
    auto file = o.settings.sink == stream_sink::file ? targets_.at(o.settings) : nullptr;
    if (slot >= streams_.size()) streams_.resize(slot + 1);
    ++count_;
    stream& s = *(streams_[slot] = std::make_unique<stream>(o, std::move(pipe), std::move(file)));
    // Its own description's flag: the write end that programs have stays as it is.
    ::fcntl(s.pipe.get(), F_SETFL, O_NONBLOCK);
    const int problem = s.file && !s.file->is_open() ? s.file->open() : 0;
    if (has_record_)
        if (const auto old = record_.at(slot)) s.go_on_from(**old);
    note(s);
    arm(s, true);
    // Tried again when there is something to write.
    if (problem != 0) report(s, step::open, problem);
    report_notices(s);
    await_rotation(s);
}

void stream_service::close(stream& s)
{
    s.is_closing = true;
    if (s.has_ended)
        forget(s);
    else
        again(s, now_);
}

void stream_service::close_all()
{
    is_stopping_ = true;
    last_progress_ = now_;
    for_each([this](stream& s) {
        s.is_closing = true;
        if (s.has_ended)
            forget(s);
        else if (!s.is_in_trouble)
            again(s, now_);
    });
}

void stream_service::lose_daemon()
{
    for_each([this](stream& s) {
        if (s.has_ended) forget(s);
    });
}

void stream_service::forget(stream& s)
{
    if (has_record_)
        if (const auto slot = record_.at(s.slot)) write_slot(**slot, record_slot{});
    // By name: a duplicate of a descriptor that others share does not leave epoll when it is closed.
    const bool is_last = !s.file || s.file.use_count() <= (s.lines ? 2 : 1);
    if (is_last && s.descriptor() >= 0) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, s.descriptor(), nullptr);
    if (!is_stopping_) daemon_.send(closed{s.id});
    streams_[s.slot].reset();
    --count_;
}

// --- Serving

void stream_service::pipe_ready(std::uint32_t slot)
{
    if (stream* const s = at(slot); s != nullptr && s->is_armed) serve(*s);
}

void stream_service::target_ready(std::uint32_t slot)
{
    stream* const s = at(slot);
    if (s == nullptr) return; // closed a moment ago
    wake_sharers(*s);
    serve(*s);
}

void stream_service::serve(stream& s) { serve(s, burst_size); }

void stream_service::serve(stream& s, std::size_t most)
{
    begin_work();
    s.deadline = {};
    s.is_awaiting_room = false;
    if (s.is_in_trouble && now_ < s.drops_until) return drop(s);
    // The next run has begun, and the order to end the line of the last one may be still under way.
    const std::uint64_t end = s.lines ? end_of_last_run(s) : UINT64_MAX;
    if (s.moved < end && s.held() == 0)
        most = static_cast<std::size_t>(std::min<std::uint64_t>(most, end - s.moved));
    if (s.moved == end && s.held() == 0 && s.finish_line(wall_now()).what != outcome::status::moved)
        return pause(s);
    const outcome o = s.take(most, wall_now());
    if (s.file && s.file->has_notices()) report_notices(s);
    using enum outcome::status;
    switch (o.what) {
    case moved: return after_move(s, o.bytes);
    case pipe_empty: return after_emptying(s, true);
    case pipe_ended: return after_emptying(s, false);
    case line_unfinished: return await_line(s);
    case target_full:
        if (s.is_lossy && s.is_closing)
            forget(s);
        else
            await_room(s);
        return;
    case cannot_open: return after_error(s, step::open, o.errno_value);
    case cannot_write: return after_error(s, step::write, o.errno_value);
    }
}

void stream_service::after_move(stream& s, std::size_t bytes)
{
    s.moved += bytes;
    s.has_moved = true;
    s.line_began = {};
    last_progress_ = now_;
    note(s);
    if (bytes >= seen_full) {
        report_recovery(s);
        // Refused beyond the limits of an unprivileged user (pipe(7)): then it stays as it is.
        if (!s.has_larger_pipe && !s.is_lossy) ::fcntl(s.pipe.get(), F_SETPIPE_SZ, larger_pipe);
        s.has_larger_pipe = true;
    }
    const bool was_busy = now_ - s.last_active < busy_within;
    s.last_active = now_;
    // In trouble, the rest may still not fit; closing, nobody will tell that the pipe is empty.
    if (s.is_in_trouble || s.is_closing)
        again(s, now_);
    else if (bytes >= seen_full || !was_busy)
        arm(s, true);
    else
        again(s, now_ + nap);
}

void stream_service::after_emptying(stream& s, bool has_writer)
{
    // Empty, because all was thrown away? Then nobody knows yet.
    if (s.has_moved) report_recovery(s);
    if (has_writer) {
        // A program that outlives its instance (kill_mode process or none) goes on writing: not before all
        // writers are gone is it over.
        if (!s.is_closing || !is_stopping_) return arm(s, true);
        if (s.finish_line(wall_now()).what != outcome::status::moved) return pause(s);
        return forget(s);
    }
    s.has_ended = true;
    // No further line will complete the last one.
    if (s.finish_line(wall_now()).what != outcome::status::moved) return pause(s);
    if (s.is_closing || !daemon_.is_open())
        forget(s);
    else
        arm(s, false); // the daemon's order to close it is under way
}

void stream_service::after_error(stream& s, step at, int errno_value)
{
    if (s.is_lossy) {
        close_target(s);
        return drop(s);
    }
    // A full disk needs nothing but room; anything else may need the path to be looked up anew.
    if (at == step::write && errno_value != ENOSPC && errno_value != EDQUOT) close_target(s);
    report(s, at, errno_value);
    pause(s);
    if (s.on_error == log_error_action::wait) return;
    s.drops_until = s.deadline;
    drop(s);
}

// What the pipe holds is thrown away: the target has gone, or is not to be waited for.
void stream_service::drop(stream& s)
{
    const bool has_writer = s.drop();
    note(s);
    s.has_ended = !has_writer;
    if ((s.is_closing && (s.has_ended || s.is_lossy || is_stopping_)) || (s.has_ended && !daemon_.is_open()))
        forget(s);
    else
        arm(s, !s.has_ended);
}

void stream_service::serve_due()
{
    // Those that are set meanwhile have their turn after epoll has been asked again.
    for (std::size_t due = timers_.size(); due > 0 && timers_.next() <= now_; --due) {
        const stream_timers::entry first = timers_.take();
        if (stream* const s = at(first.slot); s != nullptr && s->deadline == first.at) serve(*s);
    }
    for (std::size_t due = rotations_.size(); due > 0 && rotations_.next() <= now_; --due) {
        const stream_timers::entry first = rotations_.take();
        stream* const s = at(first.slot);
        if (s == nullptr || !s->file || s->rotation_look != first.at) continue;
        s->rotation_look = {};
        if (s->file->rotates_at() <= wall_now()) static_cast<void>(rotate(*s)); // an error is a notice
        await_rotation(*s);
    }
}

stream_service::time_point stream_service::next_deadline() const
{
    return std::min(timers_.next(), rotations_.next());
}

// --- Orders

std::uint64_t stream_service::end_of_last_run(const stream& s)
{
    if (!has_record_) return UINT64_MAX;
    const auto slot = record_.at(s.slot);
    const std::uint64_t since = slot ? read_since(**slot) : 0;
    return since == 0 ? UINT64_MAX : since - 1;
}

void stream_service::set_pid(stream& s, pid_t pid)
{
    if (!s.lines) return;
    s.lines->set_pid(pid);
    if (pid == 0)
        again(s, now_ + longest_wait_for_pid);
    else if (!s.is_armed)
        again(s, now_);
}

std::uint64_t stream_service::take_all(stream& s)
{
    s.taken_until = s.moved + s.waiting();
    again(s, now_);
    return s.taken_until;
}

run_finished stream_service::finish_run(stream& s, std::uint32_t tag)
{
    const std::uint64_t end = s.lines && s.held() == 0 ? end_of_last_run(s) : 0;
    std::uint64_t goal = s.moved + s.waiting();
    if (end != 0 && end >= s.moved) goal = std::min(goal, end);
    s.taken_until = std::max(s.taken_until, goal);
    const stream_id id = s.id;
    const std::uint32_t slot = s.slot;
    for (std::uint64_t before = goal + 1; s.moved < goal && s.moved != before;) {
        before = s.moved;
        serve(s, static_cast<std::size_t>(std::min<std::uint64_t>(burst_size, goal - s.moved)));
        if (find(slot, id) == nullptr) return {tag, 0, {}}; // it was to be closed as well
    }
    const bool is_written = s.moved >= goal;
    // Looked up once more, for a run may have begun meanwhile: what it has written is no line's end.
    const bool is_its_line = !s.lines || s.moved <= end_of_last_run(s);
    if (is_written && is_its_line && s.finish_line(wall_now()).what != outcome::status::moved) again(s, now_);
    note(s);
    return {tag, s.moved, s.take_tail()};
}

int stream_service::rotate(stream& s)
{
    if (!s.file) return ENOTSUP;
    begin_work();
    const int problem = s.file->rotate(wall_now());
    report_notices(s);
    note(s);
    await_rotation(s);
    return problem;
}

void stream_service::reopen_all()
{
    for_each([this](stream& s) {
        if (!s.file) return;
        begin_work();
        if (const int problem = s.file->reopen(); problem != 0) report(s, step::open, problem);
        report_notices(s);
        note(s);
        // Another file may have room, or take what the one before refused.
        if (!s.is_awaiting_room && !s.is_in_trouble) return;
        s.is_awaiting_room = false;
        again(s, now_);
    });
}

// --- When it is served next

void stream_service::arm(stream& s, bool wanted)
{
    if (s.is_armed == wanted) return;
    epoll_event event{};
    // EPOLLHUP cannot be turned off, but one-shot: it is told once more, and ignored.
    event.events = wanted ? unsigned{EPOLLIN} : unsigned{EPOLLONESHOT};
    event.data.u64 = pipe_key(s.slot);
    const int fd = s.pipe.get();
    if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0 ||
        (errno == ENOENT && ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0))
        s.is_armed = wanted;
    else if (wanted) // epoll(7) has a limit of watches for each user: then we look by ourselves
        again(s, now_ + longest_pause);
}

// At that time, and not before.
void stream_service::again(stream& s, time_point when)
{
    arm(s, false);
    s.deadline = when;
    timers_.add({when, s.slot});
}

// Somebody who waits for an answer to what stands there sees it after a second.
void stream_service::await_line(stream& s)
{
    if (s.line_began == time_point{}) s.line_began = now_;
    const bool is_late = now_ - s.line_began >= longest_wait_for_line;
    if (is_late || s.is_closing || !daemon_.is_open()) return static_cast<void>(take_all(s));
    again(s, now_ + look_for_line);
}

void stream_service::pause(stream& s)
{
    const auto next = s.pause_ms == 0 ? first_pause : std::min(longest_pause, milliseconds(s.pause_ms) * 2);
    s.pause_ms = static_cast<std::uint16_t>(next.count());
    again(s, now_ + next);
}

void stream_service::await_room(stream& s)
{
    arm(s, false);
    epoll_event event{};
    event.events = unsigned{EPOLLOUT} | unsigned{EPOLLONESHOT};
    event.data.u64 = target_key(s.slot);
    const int fd = s.descriptor();
    s.is_awaiting_room = true;
    // Of the streams that share a target the last one is told, and wakes the others.
    if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0) return;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0) return;
    pause(s); // something that cannot be polled
}

void stream_service::wake_sharers(const stream& s)
{
    if (!s.file || s.file.use_count() <= (s.lines ? 2 : 1)) return;
    for_each([&](stream& other) {
        if (&other == &s || other.file != s.file || !other.is_awaiting_room) return;
        other.is_awaiting_room = false;
        again(other, now_);
    });
}

void stream_service::close_target(stream& s)
{
    if (s.descriptor() >= 0) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, s.descriptor(), nullptr);
    s.close_target();
    wake_sharers(s);
}

void stream_service::await_rotation(stream& s)
{
    if (!s.file) return;
    const wall_time due = s.file->rotates_at();
    if (due == wall_time::max()) return;
    // In pieces: the wall clock may be set.
    const auto left = std::clamp<duration>(due - wall_now(), milliseconds(1), longest_wait_for_age);
    const time_point look = now_ + left;
    // An earlier look finds out when the next one is to be.
    if (s.rotation_look != time_point{} && s.rotation_look <= look) return;
    s.rotation_look = look;
    rotations_.add({look, s.slot});
}

// --- What the daemon is told

void stream_service::report(stream& s, step at, int errno_value)
{
    const bool is_news = !s.is_in_trouble || s.errno_value != errno_value;
    s.is_in_trouble = true;
    s.has_moved = false;
    s.errno_value = errno_value;
    note(s);
    if (is_news) daemon_.send(trouble{s.id, at, errno_value});
}

void stream_service::report_recovery(stream& s)
{
    s.pause_ms = 0;
    s.drops_until = {};
    if (!s.is_in_trouble) return;
    s.is_in_trouble = false;
    s.errno_value = 0;
    note(s);
    daemon_.send(recovered{s.id});
}

void stream_service::report_notices(stream& s)
{
    if (!s.file) return;
    for (target::happening& h : s.file->take_notices())
        daemon_.send(notice{s.id, h.what, h.errno_value, std::move(h.path)});
    await_rotation(s);
}

} // namespace procctl::output
