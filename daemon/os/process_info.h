// What /proc tells of a process. All of it may be out of date when it is read: the process may have ended,
// and its number may be another's, unless the caller pins it (a child not reaped, a pidfd that still
// answers).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace procctl {

struct process_info {
    char state = '?'; // R, S, D, T, Z …
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
    int threads = 0;              // of a process that has ended: one, or none
    std::uint64_t start_time = 0; // in clock ticks since boot: with the pid it names the process for good
    int wait_status = 0;          // of a zombie, as wait(2) has it; 0 too for those who may not know it

    // A first thread that has ended while others go on is shown as a zombie too.
    [[nodiscard]] bool has_ended() const { return (state == 'Z' || state == 'X') && threads <= 1; }
};

// Nothing: there is no such process, or it is hidden from us.
[[nodiscard]] std::optional<process_info> read_process(pid_t);
// The text of /proc/PID/stat, which may hold any character in the name of the process.
[[nodiscard]] std::optional<process_info> parse_process(std::string_view stat);

// The children of all its threads, zombies included; empty when there is no such process.
[[nodiscard]] std::vector<pid_t> children_of(pid_t);
// The same for kernels without CONFIG_PROC_CHILDREN: asks every process of the machine for its parent.
[[nodiscard]] std::vector<pid_t> find_children_of(pid_t);

// The environment it was started with, as far as it has not overwritten that, as the kernel shows it; nothing
// when we may not look. The first 64 KiB of it: a program may make it as large as it likes. Empty for a
// moment while it executes another program.
[[nodiscard]] std::optional<std::string> read_environment_of(pid_t);
// The value of a variable in it; nothing when there is no such variable.
[[nodiscard]] std::optional<std::string> environment_value(std::string_view environment,
                                                           std::string_view name);

// Its control group of version 2: see parse_cgroup().
[[nodiscard]] std::string cgroup_of_process(pid_t);

// The whole of a small file, such as those of /proc; nothing when it cannot be read.
[[nodiscard]] std::optional<std::string> read_small_file(const std::string& path);
// At most `most` bytes of it.
[[nodiscard]] std::optional<std::string> read_small_file_at(int directory, const char* name,
                                                            std::size_t most = std::size_t{16} << 20U);

} // namespace procctl
