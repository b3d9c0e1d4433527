// The output process's main function: what a process of its own needs before its loop can run.
#include "daemon/output/output_client.h"
#include "daemon/output/output_loop.h"

#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace procctl {
namespace {

void ignore_signals()
{
    // It ends when it is told to, or when nobody can write to its pipes any more: a ^C in the terminal or a
    // service manager's SIGTERM to all must not cut off the last words of the programs that it ends. SIGPIPE
    // and SIGXFSZ come back as errors of the write.
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ})
        ::signal(number, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void raise_descriptor_limit()
{
    rlimit limit{}; // two descriptors per stream
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

int complain(const error& e)
{
    std::fprintf(stderr, "procctld: output process: %s\n", e.message().c_str());
    return EXIT_FAILURE;
}

} // namespace

int output_process_main()
{
    ignore_signals();
    raise_descriptor_limit();
    ::umask(0); // files are made with exactly the modes that are asked for
    unique_fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return complain(last_error("cannot make an epoll instance"));
    output::output_loop loop(unique_fd(STDIN_FILENO), std::move(epoll));
    if (const auto done = loop.run(); !done) return complain(done.error());
    return EXIT_SUCCESS;
}

} // namespace procctl
