// print_process: what it was born with, one "name=value" a line.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

std::string first_line(const char* path)
{
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

// "SigBlk" and its like, as the kernel shows them.
std::string status_field(const std::string& name)
{
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
    return {};
}

std::string descriptors()
{
    std::vector<int> found;
    DIR* const folder = opendir("/proc/self/fd");
    while (const dirent* entry = readdir(folder))
        if (entry->d_name[0] != '.' && std::stoi(entry->d_name) != dirfd(folder))
            found.push_back(std::stoi(entry->d_name));
    closedir(folder);
    std::ranges::sort(found);
    std::string text;
    for (const int fd : found)
        text += (text.empty() ? "" : " ") + std::to_string(fd);
    return text;
}

std::string groups()
{
    std::vector<gid_t> all(1024);
    all.resize(static_cast<std::size_t>(getgroups(1024, all.data())));
    std::ranges::sort(all);
    std::string text;
    for (const gid_t group : all)
        text += (text.empty() ? "" : " ") + std::to_string(group);
    return text;
}

} // namespace

int main()
{
    const auto fds = descriptors(); // before anything else is opened
    uid_t uids[3];
    gid_t gids[3];
    getresuid(&uids[0], &uids[1], &uids[2]);
    getresgid(&gids[0], &gids[1], &gids[2]);
    const mode_t mask = umask(0);
    char folder[4096] = "?";
    if (!getcwd(folder, sizeof folder)) return 1;

    std::cout << "pid=" << getpid() << "\nsid=" << getsid(0) << "\npgid=" << getpgrp() << "\nfds=" << fds
              << "\nuids=" << uids[0] << ' ' << uids[1] << ' ' << uids[2] << "\ngids=" << gids[0] << ' '
              << gids[1] << ' ' << gids[2] << "\ngroups=" << groups() << "\numask=" << std::oct << mask
              << std::dec << "\nnice=" << getpriority(PRIO_PROCESS, 0)
              << "\noom_score_adj=" << first_line("/proc/self/oom_score_adj") << "\ncwd=" << folder
              << "\nblocked=" << status_field("SigBlk") << "\nignored=" << status_field("SigIgn")
              << "\ncaught=" << status_field("SigCgt") << '\n';
    for (int resource = 0; resource < RLIMIT_NLIMITS; ++resource) {
        rlimit limit;
        getrlimit(static_cast<__rlimit_resource>(resource), &limit);
        std::cout << "limit_" << resource << '=' << limit.rlim_cur << ':' << limit.rlim_max << '\n';
    }
}
