// leave_behind STATUS [WORD…]: makes a child, and ends with STATUS at once.
//
// The child's pid is the first line of the output, and it ends, with status 7, when its standard input does.
//   setsid       the child leaves the session first
//   double       and is the child of a child that ends as soon as it has made it, before we do
//   bare         it executes itself with an empty environment
//   leave_later  it leaves the process group at SIGUSR1, and says "left"
//   ignore_term  it ignores SIGTERM
//   stay         we do not end at once, but when a signal kills us, and reap our children
//   stay_deaf    the same, and do not reap
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

std::vector<std::string> words;

bool has(const char* word) { return std::ranges::find(words, word) != words.end(); }

void leave(int)
{
    setsid();
    if (write(1, "left\n", 5) != 5) _exit(1);
}

[[noreturn]] void linger(char** argv)
{
    if (has("setsid")) setsid();
    if (has("double") && fork() != 0) _exit(0);
    if (has("ignore_term")) signal(SIGTERM, SIG_IGN);
    struct sigaction action {};
    action.sa_handler = leave;
    action.sa_flags = SA_RESTART;
    if (has("leave_later")) sigaction(SIGUSR1, &action, nullptr);
    if (has("bare")) {
        char child[] = "child";
        char* const arguments[] = {argv[0], child, nullptr};
        char* const environment[] = {nullptr};
        execve("/proc/self/exe", arguments, environment);
        _exit(1);
    }
    std::printf("%d\n", getpid());
    std::fflush(stdout);
    char byte = 0;
    while (read(0, &byte, 1) > 0) {
    }
    _exit(7);
}

} // namespace

int main(int argc, char** argv)
{
    words.assign(argv + std::min(argc, 2), argv + argc);
    if (std::string(argv[1]) == "child") linger(argv);
    const pid_t child = fork();
    if (child == 0) linger(argv);
    if (has("double")) waitpid(child, nullptr, 0);
    if (has("stay_deaf"))
        for (;;)
            pause();
    if (has("stay")) {
        waitpid(child, nullptr, 0);
        for (;;)
            pause();
    }
    return std::atoi(argv[1]);
}
