// Moves its standard input, a pipe, line by line, as the output process does, until it ends: for tests with a
// real journald or syslog, and for measuring.
//
//   move_lines journal SOCKET | syslog SOCKET | json FILE | iso FILE | local FILE   [PID [PROGRAM]]
//
// The program is called "mover" by default, its instance "mover@1". Prints what user and system time it has
// used.
#include "daemon/os/clock.h"
#include "daemon/output/line_mover.h"
#include "daemon/output/target.h"

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace procctl;
using namespace procctl::output;

namespace {

stream_settings settings_for(const std::string& kind, const std::string& path, const std::string& program)
{
    stream_settings s;
    s.path = path;
    s.program = s.identifier = program;
    s.instance = program + "@1";
    s.stream = "stdout";
    s.tail_size = 4096;
    s.sink = kind == "journal"  ? stream_sink::journal
             : kind == "syslog" ? stream_sink::syslog
                                : stream_sink::file;
    s.format = kind == "json" ? log_format::json : log_format::raw;
    s.timestamps = kind == "iso"     ? log_timestamps::iso
                   : kind == "local" ? log_timestamps::local
                                     : log_timestamps::none;
    return s;
}

void await(int fd, short events, int milliseconds)
{
    pollfd one{fd, events, 0};
    ::poll(&one, 1, milliseconds);
}

// What cannot be written now is tried again, as the output process does, until it can.
void recover(line_mover& mover, const outcome& o, bool& has_told)
{
    if (o.what == outcome::status::target_full) return await(mover.descriptor(), POLLOUT, 1000);
    if (!has_told) std::cerr << "move_lines: " << std::strerror(o.errno_value) << "; trying again\n";
    has_told = true;
    await(-1, 0, 10);
}

void move_all(line_mover& mover)
{
    using enum outcome::status;
    bool has_told = false;
    for (;;) {
        const outcome o = mover.take(STDIN_FILENO, 1 << 20, now().wall);
        if (o.what == pipe_ended) break;
        if (o.what == pipe_empty)
            await(STDIN_FILENO, POLLIN, -1);
        else if (o.what != moved)
            recover(mover, o, has_told);
        else if (o.bytes < (64U << 10U))
            await(-1, 0, 1); // the output process's nap after a short read
    }
    for (outcome o = mover.finish(now().wall); o.what != moved; o = mover.finish(now().wall))
        recover(mover, o, has_told);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 3) {
        std::cerr << "usage: move_lines journal|syslog|json|iso|local PATH [PID [PROGRAM]]\n";
        return 2;
    }
    const auto settings = settings_for(argv[1], argv[2], argc > 4 ? argv[4] : "mover");
    if (!line_mover::is_needed(settings)) {
        std::cerr << "move_lines: no such kind: " << argv[1] << '\n';
        return 2;
    }
    ::fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    ::fcntl(STDIN_FILENO, F_SETPIPE_SZ, 1 << 20);
    const auto file = settings.sink == stream_sink::file
                          ? std::make_shared<target>(settings.path, file_settings_of(settings))
                          : nullptr;
    const auto mover = line_mover::make(settings, file);
    if (argc > 3) mover->set_pid(std::atoi(argv[3]));
    move_all(*mover);
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    std::cout << "user " << seconds(used.ru_utime) << " s, system " << seconds(used.ru_stime) << " s\n";
}
