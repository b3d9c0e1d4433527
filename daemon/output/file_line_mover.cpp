#include "daemon/output/file_line_mover.h"

#include "daemon/output/line_formatter.h"
#include "daemon/output/local_time.h"

#include <optional>
#include <utility>

namespace procctl::output {
namespace {

using enum outcome::status;

// Written at once: for fewer system calls, each of which costs as much as some thousand bytes.
constexpr std::size_t batch_size = 128U << 10U;
// What the buffer of the process may keep for its next use: binary lines as JSON take four times their size.
constexpr std::size_t kept_capacity = 2 * batch_size;

// "TIME LINE", byte for byte. The pieces of a long line follow each other as if it were not cut.
class text_mover final : public file_line_mover {
public:
    text_mover(const stream_settings& s, std::unique_ptr<byte_sink> sink)
        : file_line_mover(s, std::move(sink))
    {
    }

private:
    void append_head(std::string& to) const override
    {
        append_time_of_lines(to);
        to += ' ';
    }
    void append_piece(std::string& to, std::string_view head, const line_piece& piece) const override
    {
        if (piece.is_first) to += head;
        to += piece.text;
        if (piece.is_last) to += '\n';
    }
};

class json_mover final : public file_line_mover {
public:
    json_mover(const stream_settings& s, std::unique_ptr<byte_sink> sink)
        : file_line_mover(s, std::move(sink)), names_(json_names(s.program, s.instance, s.stream))
    {
    }

private:
    void append_head(std::string& to) const override
    {
        std::string time;
        append_time_of_lines(time);
        append_json_head(to, time, names_, pid());
    }
    void append_piece(std::string& to, std::string_view head, const line_piece& piece) const override
    {
        to += head;
        append_json_message(to, piece.text, !piece.is_last);
    }

    std::string names_;
};

} // namespace

std::unique_ptr<file_line_mover> file_line_mover::make(const stream_settings& s,
                                                       std::unique_ptr<byte_sink> sink)
{
    if (s.format == log_format::json) return std::make_unique<json_mover>(s, std::move(sink));
    return std::make_unique<text_mover>(s, std::move(sink));
}

file_line_mover::file_line_mover(const stream_settings& s, std::unique_ptr<byte_sink> sink)
    : piece_mover(largest_piece, s.tail_size), sink_(std::move(sink)),
      is_local_time_(s.timestamps == log_timestamps::local)
{
}

void file_line_mover::append_time_of_lines(std::string& to) const
{
    append_time(to, arrived_, is_local_time_ ? std::optional(utc_offset(arrived_)) : std::nullopt);
}

void file_line_mover::begin(wall_time arrived, wall_time now)
{
    arrived_ = arrived;
    now_ = now;
    std::string& head = process_scratch().head;
    head.clear();
    append_head(head);
}

outcome file_line_mover::accept(const line_piece& piece)
{
    scratch& s = process_scratch();
    if (unwritten_.size() + s.out.size() >= batch_size)
        if (const outcome written = flush(); written.what != moved) return written;
    append_piece(s.out, s.head, piece);
    return {};
}

outcome file_line_mover::flush()
{
    outcome last;
    if (!unwritten_.empty()) last = write(unwritten_);
    std::string& out = process_scratch().out;
    if (last.what == moved) last = write(out);
    // What was refused is kept without the room that the buffer has.
    if (!out.empty()) unwritten_.append(out);
    out.clear();
    if (out.capacity() > kept_capacity) out = {};
    if (unwritten_.empty()) unwritten_ = {};
    return last;
}

outcome file_line_mover::write(std::string& bytes)
{
    std::size_t written = 0;
    outcome last;
    while (written < bytes.size() && last.what == moved) {
        last = sink_->put(std::string_view(bytes).substr(written), now_);
        if (last.what == moved && last.bytes == 0) last.what = target_full;
        written += last.bytes;
    }
    if (written > 0) has_begun_line_ = bytes[written - 1] != '\n';
    bytes.erase(0, written);
    return last;
}

void file_line_mover::drop_accepted()
{
    // A line of which the file has the beginning is completed first: half an object is not JSON. When its end
    // is not known yet it ends where it is.
    const std::size_t newline = unwritten_.find('\n');
    if (!has_begun_line_)
        unwritten_.clear();
    else if (newline == std::string::npos)
        unwritten_ = '\n';
    else
        unwritten_.resize(newline + 1);
    unwritten_.shrink_to_fit();
}

} // namespace procctl::output
