// relay: writes "ready", and hands over to a child, which does the same, and so on, each in a session of its
// own and for a millisecond. Whoever signals one of them is most likely too late.
#include <signal.h>
#include <time.h>
#include <unistd.h>

int main()
{
    signal(SIGTERM, SIG_IGN);
    if (write(1, "ready\n", 6) != 6) return 1;
    for (;;) {
        if (fork() != 0) _exit(0);
        setsid();
        const timespec a_moment{0, 1'000'000};
        nanosleep(&a_moment, nullptr);
    }
}
