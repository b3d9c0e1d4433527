#include "daemon/helpers/tail.h"

#include <algorithm>
#include <string_view>
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

result<tail_start> start_of_last_lines(int fd, std::uint64_t begin, std::uint64_t end, unsigned lines)
{
    if (lines == 0 || end <= begin) return tail_start{end, 0};
    std::vector<char> buffer(std::min(end, block_size));
    // Blocks begin at multiples of their size, as the page cache likes it.
    std::uint64_t block_end = end;
    unsigned seen = 0;
    while (block_end > begin) {
        const std::uint64_t block_start = std::max(begin, (block_end - 1) / block_size * block_size);
        const auto block = read_block(fd, block_start, block_end - block_start, buffer);
        if (!block) return block.error();
        std::string_view rest = *block;
        // The newline at the very end ends the last line; those before it begin one.
        if (block_end == end && rest.ends_with('\n')) rest.remove_suffix(1);
        for (std::size_t at = rest.rfind('\n'); at != std::string_view::npos; at = rest.rfind('\n')) {
            if (++seen == lines) return tail_start{block_start + at + 1, lines};
            rest = rest.substr(0, at);
        }
        block_end = block_start;
    }
    return tail_start{begin, seen + 1};
}

std::uint64_t end_of_last_line(int fd, std::uint64_t end, std::uint64_t most)
{
    const std::uint64_t begin = end - std::min(end, most);
    std::vector<char> buffer(end - begin);
    const auto block = read_block(fd, begin, end - begin, buffer);
    if (!block) return end;
    const std::size_t at = block->rfind('\n');
    // When a file of one unfinished line is short enough, that line began with it.
    if (at == std::string_view::npos) return begin == 0 ? 0 : end;
    return begin + at + 1;
}

} // namespace procctl
