#include "daemon/os/spawn.h"

#include <algorithm>

namespace procctl {

std::vector<std::string> exec_candidates(std::string_view file, std::string_view path)
{
    if (file.find('/') != std::string_view::npos) return {std::string(file)};
    std::vector<std::string> files;
    if (file.empty()) return files;
    while (!path.empty()) {
        const auto folder = path.substr(0, path.find(':'));
        path.remove_prefix(std::min(folder.size() + 1, path.size()));
        if (folder.empty()) continue;
        std::string candidate(folder);
        if (candidate.back() != '/') candidate += '/';
        files.push_back(candidate.append(file));
    }
    return files;
}

} // namespace procctl
