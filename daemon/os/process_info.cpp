#include "daemon/os/process_info.h"

#include "common/unique_fd.h"
#include "daemon/os/cgroup_location.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

namespace procctl {
namespace {

std::string proc_path(pid_t pid, std::string_view file)
{
    return "/proc/" + std::to_string(pid) + '/' + std::string(file);
}

// The next word that is a number; what is behind it stays.
template <class Number> bool take_number(std::string_view& text, Number& number)
{
    text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    return read.ec == std::errc();
}

void append_numbers(std::string_view text, std::vector<pid_t>& numbers)
{
    for (pid_t number = 0; take_number(text, number);)
        numbers.push_back(number);
}

// The entries of a folder of /proc that are numbers: processes, or threads.
std::vector<pid_t> numbers_in(const std::string& folder)
{
    std::vector<pid_t> numbers;
    std::error_code failed;
    for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        const auto name = entry->path().filename().native();
        pid_t number = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), number).ec == std::errc())
            numbers.push_back(number);
    }
    return numbers;
}

} // namespace

std::optional<std::string> read_small_file_at(int directory, const char* name, std::size_t most)
{
    const unique_fd file(::openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) return std::nullopt;
    std::string text;
    std::array<char, 4096> part; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
    for (;;) {
        const ssize_t size = ::read(file.get(), part.data(), part.size());
        if (size == 0 || text.size() >= most) return text;
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return std::nullopt; // ESRCH: it ended meanwhile
        text.append(part.data(), static_cast<std::size_t>(size));
    }
}

std::optional<std::string> read_small_file(const std::string& path)
{
    return read_small_file_at(AT_FDCWD, path.c_str());
}

std::optional<process_info> parse_process(std::string_view stat)
{
    // PID (NAME) STATE PPID PGRP SESSION …: the name may hold parentheses and newlines, what follows may not.
    const auto name_end = stat.rfind(") ");
    if (name_end == stat.npos || stat.size() < name_end + 4) return std::nullopt;
    process_info info;
    info.state = stat[name_end + 2];
    stat.remove_prefix(name_end + 3);
    if (!take_number(stat, info.parent) || !take_number(stat, info.group) || !take_number(stat, info.session))
        return std::nullopt;
    std::string_view rest = stat;
    constexpr int session_field = 6, threads_field = 20, start_time_field = 22,
                  exit_code_field = 52; // proc_pid_stat(5)
    for (int field = session_field + 1; field <= exit_code_field; ++field) {
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        auto word = rest.substr(0, rest.find_first_of(" \n"));
        rest.remove_prefix(word.size());
        if (field == threads_field && !take_number(word, info.threads)) return std::nullopt;
        if (field == start_time_field && !take_number(word, info.start_time)) return std::nullopt;
        if (field == exit_code_field && !take_number(word, info.wait_status)) info.wait_status = 0;
    }
    return info;
}

std::optional<process_info> read_process(pid_t pid)
{
    const auto stat = read_small_file(proc_path(pid, "stat"));
    return stat ? parse_process(*stat) : std::nullopt;
}

std::vector<pid_t> children_of(pid_t pid)
{
    static const bool has_files = ::access("/proc/thread-self/children", R_OK) == 0;
    if (!has_files) return find_children_of(pid);
    std::vector<pid_t> children;
    const auto folder = proc_path(pid, "task");
    for (const pid_t thread : numbers_in(folder))
        if (const auto text = read_small_file(folder + '/' + std::to_string(thread) + "/children"))
            append_numbers(*text, children);
    return children;
}

std::vector<pid_t> find_children_of(pid_t pid)
{
    std::vector<pid_t> children;
    for (const pid_t other : numbers_in("/proc"))
        if (const auto info = read_process(other); info && info->parent == pid) children.push_back(other);
    return children;
}

std::optional<std::string> read_environment_of(pid_t pid)
{
    constexpr std::size_t most = 64 << 10;
    return read_small_file_at(AT_FDCWD, proc_path(pid, "environ").c_str(), most);
}

std::optional<std::string> environment_value(std::string_view environment, std::string_view name)
{
    for (std::string_view rest = environment; !rest.empty();) {
        const auto entry = rest.substr(0, rest.find('\0'));
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
            return std::string(entry.substr(name.size() + 1));
        rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
    }
    return std::nullopt;
}

std::string cgroup_of_process(pid_t pid)
{
    const auto text = read_small_file(proc_path(pid, "cgroup"));
    return text ? parse_cgroup(*text) : std::string();
}

} // namespace procctl
