// What all movers of lines do alike: reads a pipe, cuts what comes into pieces of lines, and offers each to
// the derived class until that refuses one; then keeps what is left, and reads no more before it was taken.
//
// A stream that holds nothing has no buffer: those for reading and writing belong to the process, whose one
// thread uses them within a call.
#pragma once

#include "daemon/output/line_mover.h"
#include "daemon/output/line_splitter.h"
#include "daemon/output/tail_ring.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace procctl::output {

class piece_mover : public line_mover {
public:
    // Read at once, and kept at most beside an unfinished line.
    static constexpr std::size_t read_size = 64U << 10U;
    static constexpr std::size_t largest_piece = 64U << 10U;

    [[nodiscard]] outcome take(int pipe, std::size_t most, wall_time now) final;
    [[nodiscard]] outcome finish(wall_time now) final;
    [[nodiscard]] std::size_t held() const final;
    [[nodiscard]] std::size_t take_untold() final { return std::exchange(untold_, 0); }
    void drop_held() final;
    void set_pid(pid_t pid) final { pid_ = pid; }
    [[nodiscard]] std::string tail() const final { return tail_.text(); }

protected:
    // `longest`: of a piece, at most largest_piece.
    piece_mover(std::size_t longest, std::uint32_t tail_size) : longest_(longest), tail_(tail_size) {}

    // Before pieces are offered: when they have arrived, which may be long ago.
    virtual void begin(wall_time arrived, wall_time now) = 0;
    // status::moved: the piece was taken over. Anything else: it was not, and is offered again later.
    [[nodiscard]] virtual outcome accept(const line_piece&) = 0;
    // Writes what was taken over; status::moved when nothing is left of it.
    [[nodiscard]] virtual outcome flush() = 0;
    // Forgets what was taken over and is not yet written; what completes a line that has been begun in the
    // target may stay, and goes before the next piece.
    virtual void drop_accepted() = 0;

    [[nodiscard]] pid_t pid() const { return pid_; }

    struct scratch {
        std::array<char, largest_piece + read_size> in;
        std::string out;  // for what is being formatted
        std::string head; // for what is the same before each piece from begin() on
    };
    [[nodiscard]] static scratch& process_scratch();

private:
    [[nodiscard]] outcome read_and_offer(int pipe, std::size_t most, wall_time now);
    [[nodiscard]] outcome offer(const line_piece&);
    [[nodiscard]] outcome offer_pieces(std::string_view bytes, std::size_t searched);
    [[nodiscard]] outcome offer_kept(wall_time now);
    [[nodiscard]] outcome flush_after(const outcome&);
    void keep(std::string_view bytes);

    std::size_t longest_;
    std::string raw_;          // an unfinished line; when stuck, the lines before it as well
    std::size_t untold_ = 0;   // passed on; told by the next take() that is not refused, or take_untold()
    wall_time read_at_{};
    tail_ring tail_;
    std::uint32_t refused_ = 0; // bytes of the read of which not all was passed on
    pid_t pid_ = 0;
    bool is_stuck_ = false;   // the target has refused something
    bool must_end_ = false;   // nothing will complete the unfinished line: it is to be passed on as it is
    bool is_in_line_ = false; // a piece of a line has been taken over, and not its last one
};

} // namespace procctl::output
