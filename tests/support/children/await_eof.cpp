// await_eof [ignore_sigterm]: writes "ready", and ends with status 0 when its standard input does.
#include <cstring>

#include <signal.h>
#include <unistd.h>

int main(int argc, char** argv)
{
    if (argc > 1 && std::strcmp(argv[1], "ignore_sigterm") == 0) signal(SIGTERM, SIG_IGN);
    if (write(1, "ready\n", 6) != 6) return 1;
    char byte = 0;
    while (read(0, &byte, 1) > 0) {
    }
}
