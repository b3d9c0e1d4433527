#include "daemon/helpers/tail.h"

#include <algorithm>
#include <vector>

#include <errno.h>
#include <unistd.h>

namespace procctl {
namespace {

constexpr std::uint64_t block_size = 64U << 10U;

// Reads what is there of [from, from + size); fewer bytes when the file has become shorter.
result<std::string_view> read_block(int fd, std::uint64_t from, std::uint64_t size, std::vector<char>& into)
{
    std::size_t got = 0;
    while (got < size) {
        const ssize_t n = ::pread(fd, into.data() + got, size - got, static_cast<off_t>(from + got));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return last_error("cannot read");
        if (n == 0) break;
        got += static_cast<std::size_t>(n);
    }
    return std::string_view(into.data(), got);
}

} // namespace

result<std::uint64_t> start_of_last_lines(int fd, std::uint64_t end, unsigned lines)
{
    if (lines == 0 || end == 0) return end;
    std::vector<char> buffer(std::min(end, block_size));
    // Blocks begin at multiples of their size, as the page cache likes it.
    std::uint64_t block_end = end;
    unsigned newlines_left = lines;
    while (block_end > 0) {
        const std::uint64_t block_start = (block_end - 1) / block_size * block_size;
        const auto block = read_block(fd, block_start, block_end - block_start, buffer);
        if (!block) return block.error();
        std::string_view rest = *block;
        // The newline at the very end ends the last line; those before it begin one.
        if (block_end == end && rest.ends_with('\n')) rest.remove_suffix(1);
        for (std::size_t at = rest.rfind('\n'); at != std::string_view::npos; at = rest.rfind('\n')) {
            if (--newlines_left == 0) return block_start + at + 1;
            rest = rest.substr(0, at);
        }
        block_end = block_start;
    }
    return std::uint64_t{0};
}

void line_prefixer::add(std::string_view piece, std::string& out)
{
    for (std::size_t end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
        out += prefix_;
        out += unfinished_;
        out += piece.substr(0, end + 1);
        unfinished_.clear();
        piece.remove_prefix(end + 1);
    }
    unfinished_ += piece;
    if (unfinished_.size() > longest_line) finish(out);
}

void line_prefixer::finish(std::string& out)
{
    if (unfinished_.empty()) return;
    out += prefix_;
    out += unfinished_;
    out += '\n';
    unfinished_.clear();
}

} // namespace procctl
