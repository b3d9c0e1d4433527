// leave_behind STATUS [setsid|leave_later]: leaves a child behind and ends with STATUS at once.
//
// The child's pid is the first line of the output, and it ends when its standard input does. setsid: it
// leaves the process group first. leave_later: it leaves the group at SIGUSR1, and says "left".
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <signal.h>
#include <unistd.h>

namespace {

void leave(int)
{
    setsid();
    if (write(1, "left\n", 5) != 5) _exit(1);
}

void linger(const char* how)
{
    if (std::strcmp(how, "setsid") == 0) setsid();
    struct sigaction action {};
    action.sa_handler = leave;
    action.sa_flags = SA_RESTART;
    if (std::strcmp(how, "leave_later") == 0) sigaction(SIGUSR1, &action, nullptr);
    std::printf("%d\n", getpid());
    std::fflush(stdout);
    char byte = 0;
    while (read(0, &byte, 1) > 0) {
    }
}

} // namespace

int main(int argc, char** argv)
{
    if (fork() == 0) {
        linger(argc > 2 ? argv[2] : "");
        _exit(0);
    }
    return std::atoi(argv[1]);
}
