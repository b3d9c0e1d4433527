#include "ctl/run.h"

#include "ctl/client.h"
#include "ctl/command_line.h"
#include "ctl/socket_path.h"

#include <chrono>
#include <cstdlib>
#include <iostream>

#include <sys/ioctl.h>
#include <unistd.h>

namespace procctl::ctl {
namespace {

std::string variable(const char* name)
{
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

view view_of_terminal(const options& opts)
{
    using namespace std::chrono;
    view how;
    how.now = static_cast<std::uint64_t>(
        duration_cast<microseconds>(system_clock::now().time_since_epoch()).count());
    if (::isatty(STDOUT_FILENO) != 1) return how;
    how.color = !opts.no_color && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) how.width = size.ws_col;
    return how;
}

} // namespace

int run(const std::vector<std::string>& words)
{
    const auto parsed = parse_command_line(words);
    if (const auto* const end = std::get_if<early_end>(&parsed)) {
        (end->status == exit_done ? std::cout : std::cerr) << end->text;
        return end->status;
    }
    const auto& [what, opts] = std::get<parsed_command>(parsed);
    const environment env{::getuid(), variable("PROCCTL_SOCKET"), variable("XDG_RUNTIME_DIR")};
    const auto exists = [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; };
    const socket_choice choice = choose_socket(opts, env, exists);
    client daemon(choice.path);
    session s{opts, daemon, std::cout, std::cerr, view_of_terminal(opts), choice.looked_for};
    const int status = what->run(s);
    // A full disk behind `procctl show > file` is a failure too.
    std::cout.flush();
    return std::cout ? status : (status == exit_done ? int{exit_failed} : status);
}

} // namespace procctl::ctl
