// Goes through a stretch of a log line by line, from file to file. Of what cannot be read it says so, in a
// note, and goes on behind it.
#pragma once

#include "daemon/helpers/log_history.h"
#include "daemon/helpers/log_line.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace procctl {

class log_cursor {
public:
    struct options {
        std::size_t piece_size = 64U << 10U; // of what is read at once
        bool has_marks = false;              // whether mark_time() is asked for
    };
    // The history is borrowed.
    log_cursor(const log_history&, log_position from, log_position to, options);

    // Takes a step; false at the end. What follows is about the line, or note, that was stepped to, and is
    // good until the next step.
    [[nodiscard]] bool next();
    [[nodiscard]] std::string_view text() const { return text_; } // without '\n'
    [[nodiscard]] bool is_note() const { return is_note_; }
    [[nodiscard]] log_position start() const { return start_; }
    [[nodiscard]] std::int64_t mark_time() const { return mark_time_; } // 0: not known

    // The same for bytes as they are: the next piece, or a note.
    [[nodiscard]] bool next_piece();

private:
    enum class found { piece, end_of_file, end };
    [[nodiscard]] found read();
    void open_file();
    void close_file();
    void give(std::string_view line);
    void give_note();

    const log_history& log_;
    log_position to_;
    options options_;
    std::vector<char> buffer_;
    std::optional<file_reader> reader_;
    log_position at_;        // after the piece
    std::string_view piece_; // what has been read and not yet been given
    line_splitter lines_;
    log_position line_start_; // of the next line
    std::int64_t line_time_ = 0;
    std::vector<time_mark> marks_; // of the file that is open
    std::string pending_note_;
    std::string note_;
    bool is_opened_ = false; // the file has been, or could not be

    std::string_view text_;
    bool is_note_ = false;
    log_position start_;
    std::int64_t mark_time_ = 0;
};

} // namespace procctl
