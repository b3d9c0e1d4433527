#include "daemon/helpers/log_cursor.h"

#include <algorithm>
#include <utility>

namespace procctl {

log_cursor::log_cursor(const log_history& log, log_position from, log_position to, options wanted)
    : log_(log), to_(to), options_(wanted), buffer_(wanted.piece_size), at_(from), line_start_(from)
{
}

void log_cursor::open_file()
{
    is_opened_ = true;
    auto opened = log_.open(at_.file);
    if (!opened) {
        pending_note_ = opened.error().message();
        return;
    }
    if (options_.has_marks) marks_ = log_.marks(at_.file);
    if (const auto skipped = opened->skip(at_.offset); !skipped) {
        pending_note_ = skipped.error().message() + ": " + log_.name(at_.file);
        return;
    }
    reader_.emplace(std::move(*opened));
}

// To the beginning of the next file. A line that goes on there keeps the time that it began at.
void log_cursor::close_file()
{
    if (line_start_.file == at_.file) line_time_ = time_at(marks_, line_start_.offset);
    reader_.reset();
    marks_.clear();
    is_opened_ = false;
    at_ = {at_.file + 1, 0};
}

log_cursor::found log_cursor::read()
{
    if (at_.file > to_.file || (at_.file == to_.file && at_.offset >= to_.offset)) return found::end;
    if (at_.file >= log_.files() || !log_.is_wanted()) return found::end;
    if (!is_opened_) open_file();
    if (!reader_) return found::end_of_file;
    std::size_t most = buffer_.size();
    if (at_.file == to_.file)
        most = static_cast<std::size_t>(std::min<std::uint64_t>(most, to_.offset - at_.offset));
    const auto got = reader_->read({buffer_.data(), most});
    if (!got) pending_note_ = got.error().message() + ": " + log_.name(at_.file);
    if (!got || *got == 0) return found::end_of_file;
    at_.offset += *got;
    piece_ = {buffer_.data(), *got};
    return found::piece;
}

void log_cursor::give(std::string_view line)
{
    text_ = line;
    is_note_ = false;
    start_ = line_start_;
    mark_time_ = start_.file == at_.file ? time_at(marks_, start_.offset) : line_time_;
}

void log_cursor::give_note()
{
    note_ = std::exchange(pending_note_, {});
    text_ = note_;
    is_note_ = true;
}

bool log_cursor::next()
{
    for (;;) {
        std::string_view line;
        if (!pending_note_.empty()) {
            // A note does not stand in the middle of a line.
            if (lines_.finish(line)) {
                give(line);
                line_start_ = at_;
                return true;
            }
            give_note();
            close_file();
            line_start_ = at_;
            return true;
        }
        if (lines_.next(piece_, line)) {
            give(line);
            line_start_ = {at_.file, at_.offset - piece_.size()};
            return true;
        }
        switch (read()) {
        case found::piece: break;
        case found::end_of_file:
            if (!pending_note_.empty()) break;
            if (line_start_.file == at_.file && line_start_.offset == at_.offset) {
                close_file();
                line_start_ = at_;
            } else {
                close_file();
            }
            break;
        case found::end:
            if (!lines_.finish(line)) return false;
            give(line);
            line_start_ = at_;
            return true;
        }
    }
}

bool log_cursor::next_piece()
{
    for (;;) {
        if (!pending_note_.empty()) {
            give_note();
            close_file();
            return true;
        }
        switch (read()) {
        case found::piece:
            text_ = std::exchange(piece_, {});
            is_note_ = false;
            return true;
        case found::end_of_file:
            if (pending_note_.empty()) close_file();
            break;
        case found::end: return false;
        }
    }
}

} // namespace procctl
