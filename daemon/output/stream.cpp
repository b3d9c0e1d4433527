#include "daemon/output/stream.h"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <unistd.h>

namespace procctl::output {

namespace {

// One that is longer may be cut by those of other streams.
constexpr std::size_t longest_whole_line = 48U
                                           << 10U; // a pipe of 64 KiB is full with less where pages are not

void keep_last(std::string& text, std::size_t most)
{
    if (text.size() > most) text.erase(0, text.size() - most);
}

// What a pipe holds, without taking it out: tee(2) has another pipe refer to the same pages.
std::string peek(int pipe, std::size_t most)
{
    const std::size_t size = std::min(bytes_in(pipe), most);
    std::array<int, 2> ends{};
    if (size == 0 || ::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) < 0) return {};
    const unique_fd from(ends[0]), to(ends[1]);
    // As many slots; where that is refused (pipe(7)) the first ones have to do.
    ::fcntl(to.get(), F_SETPIPE_SZ, ::fcntl(pipe, F_GETPIPE_SZ));
    const ssize_t shown = ::tee(pipe, to.get(), size, SPLICE_F_NONBLOCK);
    if (shown <= 0) return {};
    std::string bytes(static_cast<std::size_t>(shown), '\0');
    const ssize_t got = ::read(from.get(), bytes.data(), bytes.size());
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return bytes;
}

} // namespace

std::shared_ptr<target> shared_targets::at(const stream_settings& s)
{
    std::weak_ptr<target>& known = by_path_[s.path];
    if (auto there = known.lock()) {
        there->keep_as(file_settings_of(s));
        return there;
    }
    auto made = std::make_shared<target>(s.path, file_settings_of(s));
    known = made;
    if (by_path_.size() >= cleans_at_) {
        std::erase_if(by_path_, [](const auto& entry) { return entry.second.expired(); });
        cleans_at_ = 2 * by_path_.size();
    }
    return made;
}

stream::stream(const open_stream& o, unique_fd read_end, std::shared_ptr<target> target)
    : id(o.id), slot(o.slot), is_lossy(o.settings.is_lossy), on_error(o.settings.on_error),
      tail_size(o.settings.tail_size), pipe(std::move(read_end)), file(std::move(target))
{
    if (!line_mover::is_needed(o.settings)) return;
    lines = line_mover::make(o.settings, file);
    lines->set_pid(static_cast<pid_t>(o.pid));
}

outcome stream::take(std::size_t most, wall_time now)
{
    if (!lines && !words && shares_file()) words.emplace(tail_size);
    if (words) return take_lines(most, now);
    if (!lines) return file->take(pipe.get(), most, now);
    const outcome out = lines->take(pipe.get(), most, now);
    moved += lines->take_untold();
    return out;
}

bool stream::shares_file() const { return file && file->ino() != 0 && file.use_count() > 1; }

outcome stream::take_lines(std::size_t most, wall_time now)
{
    const std::string shown = peek(pipe.get(), most);
    std::size_t whole = shown.rfind('\n') + 1; // 0: there is none
    if (moved < taken_until)
        whole = std::max(
            whole, static_cast<std::size_t>(std::min<std::uint64_t>(shown.size(), taken_until - moved)));
    if (shown.size() >= longest_whole_line && whole == 0) whole = shown.size();
    if (shown.empty()) whole = most; // it is empty, or cannot be looked into
    if (whole == 0) return {outcome::status::line_unfinished, 0, 0};
    // At once, also where the file is rotated in between.
    outcome out;
    while (out.bytes < whole) {
        const outcome next = file->take(pipe.get(), whole - out.bytes, now);
        if (next.what == outcome::status::moved && next.bytes != 0) {
            out.bytes += next.bytes;
            continue;
        }
        if (out.bytes == 0) return next;
        break; // the next call tells
    }
    words->add(std::string_view(shown).substr(0, out.bytes));
    return out;
}

outcome stream::finish_line(wall_time now)
{
    if (!lines) return {};
    const outcome out = lines->finish(now);
    moved += lines->take_untold();
    return out;
}

std::string stream::take_tail()
{
    // A mover of lines remembers what it has read; of others the file is asked, unless others write it, too.
    const std::uint64_t known = moved - dropped + (lines ? held() : 0);
    const auto most =
        static_cast<std::size_t>(std::min<std::uint64_t>(tail_size, known - std::min(run_began, known)));
    std::string tail;
    if (most > 0) tail = lines ? lines->tail() : words ? words->text() : file->tail(most);
    keep_last(tail, most);
    // What waits for its target has been said as well.
    const std::string waits = tail_size > 0 ? peek(pipe.get(), SIZE_MAX) : std::string();
    run_began = known + waits.size();
    tail += waits;
    keep_last(tail, tail_size);
    return tail;
}

std::size_t stream::held() const { return lines ? lines->held() : file->held(); }

std::size_t stream::waiting() const { return bytes_in(pipe.get()) + held(); }

bool stream::drop()
{
    moved += held();
    dropped += held();
    if (lines)
        lines->drop_held();
    else
        file->drop_held();
    std::array<char, 16U << 10U> bytes;
    for (std::size_t left = std::max(bytes_in(pipe.get()), std::size_t{1}); left > 0;) {
        const ssize_t got = ::read(pipe.get(), bytes.data(), std::min(left, bytes.size()));
        if (got == 0) return false;
        if (got < 0) break;
        left -= static_cast<std::size_t>(got);
        moved += static_cast<std::uint64_t>(got);
        dropped += static_cast<std::uint64_t>(got);
    }
    return true;
}

int stream::descriptor() const { return lines ? lines->descriptor() : file->descriptor(); }

void stream::close_target()
{
    if (lines)
        lines->close();
    else
        file->close();
}

record_slot stream::note() const
{
    record_slot out;
    out.stream = id;
    out.state = is_in_trouble ? slot_state::in_trouble : slot_state::working;
    out.errno_value = errno_value;
    if (file) {
        out.dev = file->dev();
        out.ino = file->ino();
        out.position = file->position();
    }
    out.moved = moved;
    out.dropped = dropped;
    return out;
}

void stream::go_on_from(const record_slot& old)
{
    if (old.stream != id) return;
    moved = old.moved;
    dropped = old.dropped;
    run_began = moved - dropped;
    is_in_trouble = old.state == slot_state::in_trouble; // as the daemon knows
    has_moved = !is_in_trouble;
    if (is_in_trouble) errno_value = old.errno_value;
    const bool is_same_file =
        file && !lines && old.ino != 0 && old.ino == file->ino() && old.dev == file->dev();
    if (is_same_file && file->position() > old.position) moved += file->position() - old.position;
}

} // namespace procctl::output
