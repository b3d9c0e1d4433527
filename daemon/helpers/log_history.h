// What a log holds at one moment: its rotated files and the current one, as one text from its first byte to
// its last, and the stretch of it that is asked for.
//
// The current file is held open, so that it is the same one however often the log is rotated meanwhile;
// rotated files are opened when their turn comes, and may be gone then.
#pragma once

#include "daemon/helpers/line_filter.h"
#include "daemon/helpers/log_file.h"
#include "daemon/helpers/log_request.h"

#include <functional>
#include <optional>

namespace procctl {

// A byte of the log; offsets are those before compression.
struct log_position {
    std::size_t file = 0;
    std::uint64_t offset = 0;
};

class log_history {
public:
    // `is_wanted` is asked now and then while much is read; false: nobody waits for the answer any more.
    log_history(log_source, std::function<bool()> is_wanted);
    // To be called once, with entries that are read after the current file was opened: what was rotated
    // before is among them, and what is rotated in between is known to be the current file. Everything below
    // counts from then on.
    void find_rotated(folder_entries&);

    [[nodiscard]] const log_source& source() const { return source_; }
    // Why the current file cannot be read; empty: it can, or there is none yet.
    [[nodiscard]] const std::string& problem() const { return problem_; }
    [[nodiscard]] bool is_wanted() const { return is_wanted_(); }

    // A file by its place in the log; the error is a sentence.
    [[nodiscard]] std::size_t files() const { return rotated_.size() + 1; }
    [[nodiscard]] result<file_reader> open(std::size_t file) const;
    [[nodiscard]] std::vector<time_mark> marks(std::size_t file) const;
    [[nodiscard]] std::string name(std::size_t file) const;

    // What is asked for: all of it, until narrowed.
    [[nodiscard]] log_position begin() const { return begin_; }
    [[nodiscard]] log_position end() const { return end_; }
    // Leaves an unfinished last line to whoever goes on from end() in the current file.
    void leave_unfinished_line();
    // Leaves what was written from `since` on and until `until`, as far as marks and the files' times tell.
    // What is left may hold more, and never less.
    void narrow(std::optional<std::int64_t> since, std::optional<std::int64_t> until);
    // Leaves the last lines of those that pass.
    void keep_last(unsigned lines, const line_filter&);

    // For going on after end().
    [[nodiscard]] unique_fd take_current() { return std::move(current_); }
    [[nodiscard]] std::uint64_t last_number() const { return rotated_.empty() ? 0 : rotated_.back().number; }

private:
    [[nodiscard]] std::int64_t last_written(std::size_t file) const;
    [[nodiscard]] log_position line_start_from(log_position) const;
    [[nodiscard]] log_position position_since(std::int64_t time) const;
    [[nodiscard]] log_position position_until(std::int64_t time) const;
    [[nodiscard]] bool has_own_times() const;

    log_source source_;
    std::function<bool()> is_wanted_;
    std::vector<rotated_file> rotated_;
    unique_fd current_; // none: there is none, or it cannot be read
    std::string problem_;
    log_position begin_;
    log_position end_;
};

} // namespace procctl
