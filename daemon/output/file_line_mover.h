// Lines to a file: as text with their times, or as JSON objects.
#pragma once

#include "daemon/output/byte_sink.h"
#include "daemon/output/piece_mover.h"
#include "daemon/output/stream_settings.h"

#include <memory>

namespace procctl::output {

class file_line_mover : public piece_mover {
public:
    // For settings with format json, or with timestamps. In JSON the time is UTC but for timestamps local.
    [[nodiscard]] static std::unique_ptr<file_line_mover> make(const stream_settings&,
                                                               std::unique_ptr<byte_sink>);

    [[nodiscard]] int descriptor() const final { return sink_->descriptor(); }
    void close() final { sink_->close(); }

protected:
    file_line_mover(const stream_settings&, std::unique_ptr<byte_sink>);

    // Appends what the pieces of this time have in common.
    virtual void append_head(std::string& to) const = 0;
    virtual void append_piece(std::string& to, std::string_view head, const line_piece&) const = 0;

    void append_time_of_lines(std::string& to) const;

private:
    void begin(wall_time arrived, wall_time now) final;
    [[nodiscard]] outcome accept(const line_piece&) final;
    [[nodiscard]] outcome flush() final;
    void drop_accepted() final;

    [[nodiscard]] outcome write(std::string& bytes);

    std::unique_ptr<byte_sink> sink_;
    std::string unwritten_; // what the sink has refused
    wall_time arrived_{}, now_{};
    bool is_local_time_;
    bool has_begun_line_ = false; // what the sink has ends in the middle of a line of ours
};

} // namespace procctl::output
