#include "daemon/output/stream.h"

#include <algorithm>
#include <array>

#include <unistd.h>

namespace procctl::output {

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
    if (line_mover::is_needed(o.settings)) lines = line_mover::make(o.settings, file);
}

outcome stream::take(std::size_t most, wall_time now)
{
    if (!lines) return file->take(pipe.get(), most, now);
    const outcome out = lines->take(pipe.get(), most, now);
    moved += lines->take_untold();
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
    const std::uint64_t written = moved - dropped - std::min(run_began, moved - dropped);
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(tail_size, written));
    run_began = moved - dropped;
    if (most == 0) return {};
    std::string tail = lines ? lines->tail() : file->tail(most);
    if (tail.size() > most) tail.erase(0, tail.size() - most);
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
    const bool is_same_file =
        file && !lines && old.ino != 0 && old.ino == file->ino() && old.dev == file->dev();
    if (is_same_file && file->position() > old.position) moved += file->position() - old.position;
}

} // namespace procctl::output
