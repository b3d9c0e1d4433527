#include "ctl/handlers.h"

#include <array>
#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

#include <errno.h>
#include <limits.h>
#include <unistd.h>

namespace procctl::ctl {
namespace {

std::string own_folder()
{
    std::array<char, PATH_MAX> path{};
    const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
    const std::string file(path.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    return file.substr(0, file.rfind('/') + 1);
}

// The procctld that was installed together with this procctl, else the one on PATH.
std::string find_procctld()
{
    if (const char* const named = std::getenv("PROCCTLD"); named != nullptr && *named != '\0') return named;
    const std::string folder = own_folder();
    for (const char* const place : {"procctld", "../sbin/procctld"})
        if (!folder.empty() && ::access((folder + place).c_str(), X_OK) == 0) return folder + place;
    return "procctld";
}

} // namespace

int run_check(session& s)
{
    std::vector<std::string> words{find_procctld(), "--check"};
    if (s.opts.user) words.emplace_back("--user");
    if (s.opts.system) words.emplace_back("--system");
    if (!s.opts.config.empty()) words.insert(words.end(), {"--config", s.opts.config});
    if (!s.opts.names.empty()) words.emplace_back("--");
    words.insert(words.end(), s.opts.names.begin(), s.opts.names.end());
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    s.out.flush();
    ::execvp(argv[0], argv.data());
    s.err << "procctl: " << last_error("cannot run " + words.front()).message()
          << "\nprocctld does the check; $PROCCTLD says where it is.\n";
    return exit_failed;
}

} // namespace procctl::ctl
