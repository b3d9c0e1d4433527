#include "daemon/output/message_line_mover.h"

#include "daemon/output/journal_entry.h"
#include "daemon/output/level_prefix.h"
#include "daemon/output/local_time.h"
#include "daemon/output/syslog_message.h"

namespace procctl::output {
namespace {

static_assert(message_line_mover::longest_for_journal <= piece_mover::largest_piece);

class journal_mover final : public message_line_mover {
public:
    explicit journal_mover(const stream_settings& s)
        : message_line_mover(s, longest_for_journal), names_(journal_names(s))
    {
    }

private:
    void append_message(std::string& to, wall_time, std::uint8_t level, std::string_view text,
                        bool is_partial) const override
    {
        append_journal_entry(to, names_, level, pid(), text, is_partial);
    }

    std::string names_;
};

class syslog_mover final : public message_line_mover {
public:
    explicit syslog_mover(const stream_settings& s)
        : message_line_mover(s, longest_for_syslog), tag_(s.identifier), facility_(s.facility)
    {
    }

private:
    void append_message(std::string& to, wall_time at, std::uint8_t level, std::string_view text,
                        bool) const override
    {
        append_syslog_message(to, {.tag = tag_, .facility = facility_, .pid = pid()}, level, at,
                              utc_offset(at), text);
    }

    std::string tag_;
    std::uint8_t facility_;
};

} // namespace

std::unique_ptr<message_line_mover> message_line_mover::make(const stream_settings& s)
{
    if (s.sink == stream_sink::journal) return std::make_unique<journal_mover>(s);
    return std::make_unique<syslog_mover>(s);
}

message_line_mover::message_line_mover(const stream_settings& s, std::size_t longest)
    : piece_mover(longest, s.tail_size), target_(s.path), usual_level_(s.level), level_(s.level),
      has_level_prefix_(s.has_level_prefix)
{
}

outcome message_line_mover::accept(const line_piece& piece)
{
    std::string_view text = piece.text;
    if (piece.is_first) {
        level_ = usual_level_;
        if (has_level_prefix_) {
            const leveled_line line = take_level_prefix(text, usual_level_);
            text = line.text;
            level_ = line.level;
        }
    }
    // journald makes no entry of an empty line of a service's standard output, so neither do we.
    if (text.empty()) return {};
    std::string& message = process_scratch().out;
    message.clear();
    append_message(message, arrived_, level_, text, !piece.is_last);
    const outcome sent = target_.send(message);
    message.clear();
    return sent;
}

} // namespace procctl::output
