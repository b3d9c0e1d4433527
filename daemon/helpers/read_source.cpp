// `procctl cat`: the text of a program's entry, as it stands in its file.
#include "common/result.h"
#include "common/unique_fd.h"
#include "daemon/helpers/http_text.h"
#include "daemon/helpers/read_log.h"

#include <array>
#include <string_view>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

namespace procctl {
namespace {

// Configuration files are refused above this by the loader.
constexpr std::size_t largest_file = 1U << 20U;

result<std::string> read_file(const std::string& path)
{
    const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file) return last_error("cannot open");
    std::string text;
    std::array<char, 16U << 10U> buffer;
    for (;;) {
        const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return last_error("cannot read");
        if (n == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(n));
        if (text.size() > largest_file) return make_error(EFBIG, "cannot read");
    }
}

std::string_view take_line(std::string_view& rest)
{
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end == std::string_view::npos ? rest.size() : end + 1);
    rest.remove_prefix(line.size());
    return line;
}

std::string describe(const text_source& s)
{
    std::string out = "# " + s.file + ":" + std::to_string(s.line);
    const auto text = read_file(s.file);
    if (!text) return out + ": " + text.error().message() + "\n";
    const std::string entry = entry_at(*text, s.line);
    // The file may have been edited since the daemon read it.
    if (entry.empty()) return out + ": there is no such line any more\n";
    out += "\n" + entry;
    if (!out.ends_with('\n')) out += '\n';
    return out;
}

} // namespace

std::string entry_at(const std::string& text, int line)
{
    std::string_view rest = text;
    for (int at = 1; at < line && !rest.empty(); ++at)
        take_line(rest);
    if (line < 1 || rest.empty()) return {};
    const std::string_view first = take_line(rest);
    const std::size_t indentation = first.find_first_not_of(' ');
    if (indentation == std::string_view::npos) return std::string(first);

    std::string entry(first);
    std::string between; // blank lines and comments, which belong to us if more of the entry follows
    while (!rest.empty()) {
        const std::string_view next = take_line(rest);
        const std::size_t start = next.find_first_not_of(' ');
        const char c = start == std::string_view::npos ? '\n' : next[start];
        if (c == '\n' || c == '\r' || (c == '#' && start <= indentation)) {
            between += next;
            continue;
        }
        // A flow mapping may be closed below its key.
        const bool is_closing = start == indentation && (c == '}' || c == ']');
        if (start <= indentation && !is_closing) break;
        entry += between;
        entry += next;
        between.clear();
    }
    return entry;
}

int serve_text(int client, const std::vector<text_source>& sources)
{
    http_text response(client);
    if (!response.begin()) return 0;
    for (std::size_t i = 0; i < sources.size(); ++i)
        if (!response.send((i == 0 ? "" : "\n") + describe(sources[i]))) return 0;
    static_cast<void>(response.finish());
    return 0;
}

} // namespace procctl
