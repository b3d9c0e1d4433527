// Log lines and configuration texts: written to the client's socket here, in a helper, because a disk may
// hang and a client may read slowly.
#include "daemon/helpers/helper_main.h"
#include "daemon/helpers/tasks.h"

#include <charconv>

#include <fcntl.h>
#include <unistd.h>

namespace procctl {
namespace {

constexpr int client = STDIN_FILENO;

// The daemon's loop has made it non-blocking; this process has nothing else to do than to wait for it.
void make_blocking(int fd)
{
    if (const int flags = ::fcntl(fd, F_GETFL); flags >= 0) ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

template <class Number> bool parse(const std::string& text, Number& number)
{
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    return read.ec == std::errc() && read.ptr == end;
}

} // namespace

std::vector<std::string> log_task(std::span<const log_source> logs, unsigned lines, bool follow)
{
    std::vector<std::string> task{"log", std::to_string(lines), follow ? "follow" : "once"};
    for (const log_source& log : logs) {
        task.push_back(log.name);
        task.push_back(log.path);
    }
    return task;
}

int run_log_task(std::span<const std::string> arguments)
{
    unsigned lines = 0;
    if (arguments.size() < 2 || arguments.size() % 2 != 0 || !parse(arguments[0], lines)) return 2;
    std::vector<log_source> logs;
    for (std::size_t i = 2; i < arguments.size(); i += 2)
        logs.push_back({arguments[i], arguments[i + 1]});
    make_blocking(client);
    return serve_log(client, std::move(logs), lines, arguments[1] == "follow");
}

std::vector<std::string> source_task(std::span<const text_source> entries)
{
    std::vector<std::string> task{"source"};
    for (const text_source& entry : entries) {
        task.push_back(entry.file);
        task.push_back(std::to_string(entry.line));
    }
    return task;
}

int run_source_task(std::span<const std::string> arguments)
{
    if (arguments.size() % 2 != 0) return 2;
    std::vector<text_source> entries;
    for (std::size_t i = 0; i < arguments.size(); i += 2) {
        text_source entry{arguments[i], 0};
        if (!parse(arguments[i + 1], entry.line)) return 2;
        entries.push_back(std::move(entry));
    }
    make_blocking(client);
    return serve_text(client, entries);
}

} // namespace procctl
