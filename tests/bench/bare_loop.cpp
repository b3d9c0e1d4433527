// What starting programs costs without a supervisor: the yardstick for tests/bench/run.
//
//   bare_loop cycle vfork|posix_spawn SECONDS PROGRAM        runs it again and again, one at a time; prints
//   how
//                                                            many a second
//   bare_loop start vfork|posix_spawn COUNT PROGRAM [ARG…]   starts so many, prints CLOCK_MONOTONIC in ns of
//   the
//                                                            beginning, and kills them when its input ends
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace {

long now_ns()
{
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1'000'000'000L + t.tv_nsec;
}

[[noreturn]] void give_up(const char* what)
{
    std::perror(what);
    std::exit(1);
}

pid_t start_by_vfork(char** argv)
{
    const pid_t pid = vfork();
    if (pid == 0) {
        execve(argv[0], argv, environ);
        _exit(127);
    }
    if (pid < 0) give_up("vfork");
    return pid;
}

pid_t start_by_posix_spawn(char** argv)
{
    pid_t pid = 0;
    if (posix_spawn(&pid, argv[0], nullptr, nullptr, argv, environ) != 0) give_up("posix_spawn");
    return pid;
}

using start_function = pid_t (*)(char**);

void cycle(start_function start, double seconds, char** argv)
{
    const long begin = now_ns();
    const long end = begin + static_cast<long>(seconds * 1e9);
    long count = 0;
    for (; now_ns() < end; ++count) {
        const pid_t pid = start(argv);
        siginfo_t info{};
        if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 || info.si_status != 0)
            give_up(argv[0]);
    }
    std::printf("%.1f\n", static_cast<double>(count) / (static_cast<double>(now_ns() - begin) / 1e9));
}

void start_many(start_function start, int count, char** argv)
{
    std::vector<pid_t> pids;
    pids.reserve(static_cast<std::size_t>(count));
    const long begin = now_ns();
    for (int i = 0; i < count; ++i)
        pids.push_back(start(argv));
    std::printf("%ld\n", begin);
    std::fflush(stdout);
    char byte = 0;
    while (read(0, &byte, 1) > 0) {
    }
    for (const pid_t pid : pids)
        kill(pid, SIGKILL);
    while (wait(nullptr) > 0) {
    }
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 5) return 2;
    const start_function start = std::strcmp(argv[2], "vfork") == 0 ? start_by_vfork : start_by_posix_spawn;
    if (std::strcmp(argv[1], "cycle") == 0)
        cycle(start, std::atof(argv[3]), argv + 4);
    else
        start_many(start, std::atoi(argv[3]), argv + 4);
}
