// Lines as messages, one each: to the journal or to the system's log.
#pragma once

#include "daemon/output/datagram_target.h"
#include "daemon/output/piece_mover.h"
#include "daemon/output/stream_settings.h"

#include <memory>

namespace procctl::output {

class message_line_mover : public piece_mover {
public:
    // Of a longer line each piece is a message. The journal's: what journald takes as a line from a service's
    // standard output (LineMax). Syslog's: what its daemons take as a message by default.
    static constexpr std::size_t longest_for_journal = 48U << 10U;
    static constexpr std::size_t longest_for_syslog = 8000;

    // For settings with the sink journal or syslog; `path` is the socket.
    [[nodiscard]] static std::unique_ptr<message_line_mover> make(const stream_settings&);

    [[nodiscard]] int descriptor() const final { return target_.descriptor(); }
    void close() final { target_.close(); }

protected:
    message_line_mover(const stream_settings&, std::size_t longest);

    virtual void append_message(std::string& to, wall_time, std::uint8_t level, std::string_view text,
                                bool is_partial) const = 0;

private:
    void begin(wall_time arrived, wall_time) final { arrived_ = arrived; }
    [[nodiscard]] outcome accept(const line_piece&) final;
    [[nodiscard]] outcome flush() final { return target_.flush(); }
    void drop_accepted() final {} // at most the rest of a message that the other end waits for

    datagram_target target_;
    wall_time arrived_{};
    std::uint8_t usual_level_;
    std::uint8_t level_; // of the line that pieces are offered of
    bool has_level_prefix_;
};

} // namespace procctl::output
