// A log that is read as it grows: through rotation, truncation, renaming, deletion and re-creation.
//
// A rotation moves an unfinished last line: it writes it to the next file, cuts it off the old one, and
// renames both. So an unfinished line is held back, and one that was given out before it was whole is looked
// for at the beginning of the next file. The log need not exist yet, nor its folder. Bytes written to a file
// after it was renamed are read until a new file has taken its name.
#pragma once

#include "common/unique_fd.h"
#include "daemon/helpers/log_file.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace procctl {

// What becomes of the text. Each function answers whether to go on.
class followed_text {
public:
    followed_text() = default;
    followed_text(const followed_text&) = delete;
    followed_text& operator=(const followed_text&) = delete;
    virtual ~followed_text() = default;

    [[nodiscard]] virtual bool text(std::string_view) = 0;
    [[nodiscard]] virtual bool cut() = 0; // an unfinished line will not be finished
    // Something is missing here; a sentence that says what.
    [[nodiscard]] virtual bool note(std::string_view) = 0;
};

class followed_log {
public:
    // `inotify` is borrowed; the watches made in it are for wake-ups only, and look() finds out what
    // happened.
    followed_log(std::string path, int inotify) : path_(std::move(path)), inotify_(inotify) {}

    // Goes on in this file, from `offset`, where a line begins; `fd` is what path led to, and `last_number`
    // that of the newest rotated file then, or 0. Without a file, one that comes is read from its beginning.
    void start_at(unique_fd fd, std::uint64_t offset, std::uint64_t last_number);

    // Gives what is new, whole lines alone; false when `to` has answered so.
    [[nodiscard]] bool look(followed_text& to);

    // Whether there is an unfinished line, or more of one, that has not been given.
    [[nodiscard]] bool holds_back() const { return given_ < unfinished_.size(); }
    // Gives it, for it may be all that comes for long: a prompt.
    [[nodiscard]] bool give_unfinished(followed_text& to);

private:
    void watch_folder();
    void watch_file();
    void unwatch_file();
    [[nodiscard]] bool is_gone() const;
    [[nodiscard]] bool is_ours(const rotated_file&) const;
    [[nodiscard]] bool read_rest(followed_text&);
    [[nodiscard]] bool take(std::string_view piece, followed_text&);
    [[nodiscard]] bool give_up_unfinished(followed_text&);
    [[nodiscard]] bool leave_file(followed_text&);
    [[nodiscard]] bool open_next(followed_text&);
    [[nodiscard]] bool read_rotated(std::uint64_t number, followed_text&);
    [[nodiscard]] bool begin_file(file_reader&, followed_text&);

    std::string path_;
    int inotify_;
    unique_fd file_;
    int watch_ = -1;
    std::uint64_t offset_ = 0;      // after unfinished_
    std::uint64_t last_number_ = 0; // of the rotated files that have been read, or came before
    std::string unfinished_;        // the line that is not whole yet
    std::size_t given_ = 0;         // of it
    bool is_cut_ = false;           // it was cut off its file, and should be at the beginning of the next one
};

} // namespace procctl
