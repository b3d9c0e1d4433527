// Log lines and configuration texts: written to the client's socket here, in a helper, because a disk may
// hang and a client may read slowly.
#include "daemon/helpers/helper_main.h"
#include "daemon/helpers/tasks.h"

#include <charconv>
#include <iostream>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace procctl {
namespace {

constexpr int client = STDIN_FILENO;

// The daemon's loop has made it non-blocking; this process has nothing else to do than to wait for it.
void make_blocking(int fd)
{
    if (const int flags = ::fcntl(fd, F_GETFL); flags >= 0) ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

// regcomp(3) takes memory without measure for nested repetitions such as (a{9999}){9999}; by this limit it
// gives up, and says so. Everything else that is done here needs a few MiB.
void limit_memory()
{
#ifndef __SANITIZE_ADDRESS__ // its shadow counts too
    static constexpr rlim_t most = rlim_t{512} << 20U;
    const rlimit limit{most, most};
    ::setrlimit(RLIMIT_DATA, &limit);
#endif
}

template <class Number> bool parse(const std::string& text, Number& number)
{
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    return read.ec == std::errc() && read.ptr == end;
}

} // namespace

std::vector<std::string> log_task(const log_request& request)
{
    // One argument may have 128 KiB, all of them together far more (execve(2)).
    static constexpr std::size_t most_of_an_argument = 64U << 10U;
    std::vector<std::string> task{"log"};
    const std::string text = to_json(request);
    for (std::size_t at = 0; at < text.size(); at += most_of_an_argument)
        task.push_back(text.substr(at, most_of_an_argument));
    return task;
}

int run_log_task(std::span<const std::string> arguments)
{
    std::string text;
    for (const std::string& piece : arguments)
        text += piece;
    auto request = log_request_from_json(text);
    if (!request) {
        std::cerr << request.error().message() << '\n';
        return 2;
    }
    limit_memory();
    make_blocking(client);
    return serve_log(client, std::move(*request));
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
