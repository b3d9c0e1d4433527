#include "daemon/output/piece_mover.h"

#include <algorithm>
#include <utility>

#include <errno.h>
#include <unistd.h>

namespace procctl::output {

using enum outcome::status;

piece_mover::scratch& piece_mover::process_scratch()
{
    static scratch one;
    return one;
}

outcome piece_mover::take(int pipe, std::size_t most, wall_time now)
{
    if (is_stuck_)
        if (const outcome kept = offer_kept(now); kept.what != moved) return kept;
    begin(now, now);
    const outcome last = read_and_offer(pipe, most, now);
    // A refusal is told at once, for the caller to await its end; what was passed on before it is told after.
    if (is_stuck_ || untold_ == 0) return last;
    return {moved, take_untold(), 0};
}

// Its outcome's `bytes` is 0.
outcome piece_mover::read_and_offer(int pipe, std::size_t most, wall_time now)
{
    char* const in = process_scratch().in.data();
    outcome last;
    while (most > 0 && last.what == moved) {
        const std::size_t unfinished = raw_.copy(in, raw_.size());
        const std::size_t wanted = std::min(read_size, most);
        const ssize_t got = ::read(pipe, in + unfinished, wanted);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) return {pipe_ended, 0, 0};
        if (got < 0) return errno == EAGAIN ? outcome{pipe_empty, 0, 0} : outcome{cannot_write, 0, errno};
        const auto count = static_cast<std::size_t>(got);
        most -= count;
        tail_.add({in + unfinished, count});
        read_at_ = now;
        last = flush_after(offer_pieces({in, unfinished + count}, unfinished));
        if (is_stuck_)
            refused_ = static_cast<std::uint32_t>(count);
        else
            untold_ += count;
        if (count < wanted) break; // it is empty now
    }
    return last;
}

outcome piece_mover::finish(wall_time now)
{
    must_end_ = !raw_.empty() || is_in_line_;
    if (!must_end_ && !is_stuck_) return {};
    if (!is_stuck_) read_at_ = now;
    return offer_kept(now);
}

std::size_t piece_mover::held() const
{
    if (!is_stuck_) return 0;
    return std::max<std::size_t>(refused_, 1); // the end of a line may be stuck all alone
}

void piece_mover::drop_held()
{
    keep({});
    refused_ = 0;
    is_stuck_ = must_end_ = false;
    is_in_line_ = false; // the rest of the line, if it comes, is a line of its own
    drop_accepted();
}

// What earlier calls could not pass on, or the end of a line.
outcome piece_mover::offer_kept(wall_time now)
{
    begin(read_at_, now);
    char* const in = process_scratch().in.data();
    outcome last = offer_pieces({in, raw_.copy(in, raw_.size())}, 0);
    if (last.what == moved && must_end_) {
        if (!raw_.empty() || is_in_line_) last = offer({.text = raw_, .size = raw_.size()});
        if (last.what == moved) {
            keep({});
            must_end_ = false;
        }
    }
    last = flush_after(last);
    if (!is_stuck_) untold_ += std::exchange(refused_, 0);
    return last;
}

outcome piece_mover::flush_after(const outcome& offered)
{
    const outcome written = flush();
    const outcome last = offered.what == moved ? written : offered;
    is_stuck_ = last.what != moved;
    return {last.what, 0, last.errno_value};
}

outcome piece_mover::offer(const line_piece& piece)
{
    line_piece next = piece;
    next.is_first = !is_in_line_;
    const outcome answer = accept(next);
    if (answer.what == moved) is_in_line_ = !next.is_last;
    return answer;
}

// Offers all whole lines and keeps what is left. `bytes` are not raw_'s.
outcome piece_mover::offer_pieces(std::string_view bytes, std::size_t searched)
{
    outcome last;
    while (const auto piece = first_piece(bytes, longest_, searched)) {
        last = offer(*piece);
        if (last.what != moved) break;
        bytes.remove_prefix(piece->size);
        searched = 0;
    }
    keep(bytes);
    return last;
}

void piece_mover::keep(std::string_view bytes)
{
    // An idle stream keeps no memory, and one that holds something no more than that takes.
    if (bytes.size() <= raw_.capacity() && raw_.capacity() / 2 <= bytes.size())
        raw_ = bytes;
    else
        raw_ = std::string(bytes);
}

} // namespace procctl::output
