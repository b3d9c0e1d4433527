#include "daemon/helpers/log_history.h"

#include "common/log_names.h"
#include "daemon/helpers/log_cursor.h"
#include "daemon/helpers/tail.h"

#include <algorithm>
#include <deque>

#include <errno.h>
#include <sys/stat.h>

namespace procctl {
namespace {

constexpr std::int64_t second = 1'000'000;
// A rotation leaves an unfinished line in the old file when it is longer than 64 KiB; so a longer one is
// known to stay where it is.
constexpr std::uint64_t longest_moved_line = 128U << 10U;
// What is looked through at once, from the end, for lines that pass.
constexpr std::uint64_t window_size = 4U << 20U;
// The kernel stamps files by a clock that is up to a tick behind.
constexpr std::int64_t file_time_slack = second;
// A line is written after it was stamped: much later, when the disk stood still.
constexpr std::int64_t own_time_slack = 60 * second;

std::uint64_t size_of(int fd)
{
    struct stat now {};
    return ::fstat(fd, &now) == 0 ? static_cast<std::uint64_t>(now.st_size) : 0;
}

} // namespace

log_history::log_history(log_source source, std::function<bool()> is_wanted)
    : source_(std::move(source)), is_wanted_(std::move(is_wanted))
{
    current_ = open_to_read(source_.path);
    // One that is not there yet has no lines; but someone who waits for lines should know why none come.
    if (!current_ && errno != ENOENT && errno != ENOTDIR)
        problem_ = "cannot read " + source_.path + ": " +
                   (errno == 0 ? "not a file that can be read back" : make_error(errno, "").code.message());
}

void log_history::find_rotated(folder_entries& folders)
{
    // What is not a regular file is never rotated.
    if (problem_.empty()) rotated_ = rotated_files(source_.path, folders);
    struct stat ours {};
    if (current_ && ::fstat(current_.get(), &ours) == 0) {
        const auto is_ours = [&](const rotated_file& f) {
            struct stat there {};
            return !f.is_compressed && ::stat(rotated_name(source_.path, f.number).c_str(), &there) == 0 &&
                   there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
        };
        // It and those after it are newer than the moment that is shown.
        rotated_.erase(std::ranges::find_if(rotated_, is_ours), rotated_.end());
    }
    end_ = {rotated_.size(), current_ ? size_of(current_.get()) : 0};
}

std::string log_history::name(std::size_t file) const
{
    return file < rotated_.size() ? rotated_name(source_.path, rotated_[file].number) : source_.path;
}

result<file_reader> log_history::open(std::size_t file) const
{
    if (file == rotated_.size()) return file_reader(current_.get());
    auto opened = file_reader::open_rotated(source_.path, rotated_[file].number);
    if (!opened && opened.error().code == std::errc::no_such_file_or_directory)
        return make_error(name(file) + " was removed before it was read");
    return opened;
}

std::vector<time_mark> log_history::marks(std::size_t file) const
{
    const auto opened = open(file);
    return opened ? marks_of(name(file), *opened) : std::vector<time_mark>();
}

bool log_history::has_own_times() const
{
    return source_.format == log_format::json || source_.timestamps != log_timestamps::none;
}

void log_history::leave_unfinished_line()
{
    if (!current_) return;
    end_.offset = end_of_last_line(current_.get(), end_.offset, longest_moved_line);
    if (begin_.file == end_.file) begin_.offset = std::min(begin_.offset, end_.offset);
}

// µs since the epoch; 0 when it is not known.
std::int64_t log_history::last_written(std::size_t file) const
{
    const auto opened = open(file);
    struct stat what {};
    if (!opened || ::fstat(opened->fd(), &what) < 0) return 0;
    return what.st_mtim.tv_sec * second + what.st_mtim.tv_nsec / 1000;
}

// The beginning of the first line that begins there or later.
log_position log_history::line_start_from(log_position at) const
{
    if (at.offset == 0) return at;
    log_cursor lines(*this, {at.file, at.offset - 1}, end_, {});
    while (lines.next())
        if (lines.start().file != at.file || lines.start().offset >= at.offset) return lines.start();
    return end_;
}

log_position log_history::position_since(std::int64_t time) const
{
    log_position found = end_;
    for (std::size_t file = rotated_.size() + 1; file-- > 0;) {
        const std::int64_t written = last_written(file);
        if (written != 0 && written + file_time_slack < time) break;
        found = {file, offset_since(marks(file), time)};
        if (found.offset != 0) break;
    }
    return line_start_from(found);
}

log_position log_history::position_until(std::int64_t time) const
{
    if (has_own_times()) time += own_time_slack;
    for (std::size_t file = begin_.file; file <= end_.file; ++file) {
        const std::int64_t before = file == 0 ? 0 : last_written(file - 1);
        if (before != 0 && before > time + file_time_slack) return {file, 0};
        if (const std::uint64_t offset = offset_until(marks(file), time); offset != UINT64_MAX)
            return line_start_from({file, offset});
    }
    return end_;
}

void log_history::narrow(std::optional<std::int64_t> since, std::optional<std::int64_t> until)
{
    const auto is_before = [](log_position a, log_position b) {
        return a.file != b.file ? a.file < b.file : a.offset < b.offset;
    };
    if (since) begin_ = position_since(*since);
    if (until)
        if (const log_position last = position_until(*until); is_before(last, end_)) end_ = last;
    if (is_before(end_, begin_)) begin_ = end_;
}

namespace {

// The last lines of one file that pass, found in windows from its end.
class backward_search {
public:
    backward_search(const log_history& log, const line_filter& filter, std::size_t file)
        : log_(log), filter_(filter), parser_(log.source().format, log.source().timestamps), file_(file)
    {
    }

    // Where the last `wanted` of [begin, end) begin, and how many there are.
    [[nodiscard]] tail_start find(const file_reader& reader, std::uint64_t begin, std::uint64_t end,
                                  unsigned wanted)
    {
        tail_start best{end, 0};
        while (end > begin && best.lines < wanted && log_.is_wanted()) {
            // What is compressed can only be read from its beginning.
            std::uint64_t from = begin;
            if (!reader.is_compressed()) from = window_start(reader.fd(), begin, end);
            std::deque<std::uint64_t> starts;
            log_cursor lines(log_, {file_, from}, {file_, end}, {});
            while (lines.next()) {
                if (lines.is_note() || !filter_.passes(parser_.parse(lines.text()))) continue;
                starts.push_back(lines.start().offset);
                if (starts.size() > wanted - best.lines) starts.pop_front();
            }
            if (!starts.empty()) best = {starts.front(), best.lines + static_cast<unsigned>(starts.size())};
            end = from;
        }
        return best;
    }

private:
    // The beginning of a line, some way before `end`.
    static std::uint64_t window_start(int fd, std::uint64_t begin, std::uint64_t end)
    {
        for (std::uint64_t size = window_size; end - begin > size; size *= 2) {
            const std::uint64_t at = end_of_last_line(fd, end - size, longest_line);
            if (at != end - size || at == begin) return std::max(begin, at);
        }
        return begin;
    }

    const log_history& log_;
    const line_filter& filter_;
    line_parser parser_;
    std::size_t file_;
};

} // namespace

void log_history::keep_last(unsigned lines, const line_filter& filter)
{
    const bool counts_all = !filter.is_needed();
    log_position start = end_;
    unsigned left = lines;
    for (std::size_t file = end_.file + 1; file-- > begin_.file && left > 0;) {
        const auto reader = open(file);
        if (!reader) continue; // it is said when the lines are read
        const std::uint64_t begin = file == begin_.file ? begin_.offset : 0;
        std::uint64_t end = file == end_.file ? end_.offset : UINT64_MAX;
        if (!reader->is_compressed()) end = std::min(end, size_of(reader->fd()));
        tail_start found;
        if (counts_all && !reader->is_compressed()) {
            const auto plain = start_of_last_lines(reader->fd(), begin, end, left);
            if (!plain) continue;
            found = *plain;
        } else {
            found = backward_search(*this, filter, file).find(*reader, begin, end, left);
        }
        if (found.lines > 0) start = {file, found.offset};
        left -= found.lines;
    }
    // With fewer lines than were asked for, what cannot be read is part of the answer.
    begin_ = left > 0 && lines > 0 ? begin_ : start;
}

} // namespace procctl
