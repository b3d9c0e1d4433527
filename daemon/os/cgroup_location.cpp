#include "daemon/os/cgroup_location.h"

#include <algorithm>
#include <optional>

namespace procctl {
namespace {

// Cuts off and returns what is before the first separator; all, when there is none.
std::string_view take(std::string_view& text, char separator)
{
    const auto part = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return part;
}

// proc_pid_mountinfo(5): space, tab, newline and backslash stand as \ and three octal digits.
std::string unescape(std::string_view text)
{
    const auto is_octal = [&](std::size_t at) {
        return at < text.size() && text[at] >= '0' && text[at] <= '7';
    };
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && is_octal(i + 1) && is_octal(i + 2) && is_octal(i + 3)) {
            plain +=
                static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

std::string join(const std::string& folder, std::string_view below)
{
    if (below.empty() || below == "/") return folder;
    return folder == "/" ? std::string(below) : folder + std::string(below);
}

// What is left of the path below the root, with its leading '/'; nothing: it is not below it.
std::optional<std::string_view> below(std::string_view path, std::string_view root)
{
    if (root == "/") return path;
    if (!path.starts_with(root)) return std::nullopt;
    path.remove_prefix(root.size());
    if (!path.empty() && path.front() != '/') return std::nullopt;
    return path;
}

} // namespace

std::string parse_cgroup(std::string_view proc_cgroup)
{
    while (!proc_cgroup.empty()) {
        const auto line = take(proc_cgroup, '\n');
        if (line.starts_with("0::/")) return std::string(line.substr(3));
    }
    return {};
}

std::vector<cgroup_location> find_cgroup(const std::string& group_path, std::string_view mountinfo)
{
    std::vector<cgroup_location> found;
    // Of a control group outside of our cgroup namespace "/.." is all that one sees: nothing is below that.
    if (group_path.empty() || group_path.starts_with("/..")) return found;
    while (!mountinfo.empty()) {
        // 36 35 98:0 ROOT MOUNT-POINT OPTIONS [optional fields] - TYPE SOURCE OPTIONS
        auto line = take(mountinfo, '\n');
        const auto separator = line.find(" - ");
        if (separator == line.npos || !line.substr(separator + 3).starts_with("cgroup2 ")) continue;
        for (int skipped = 0; skipped < 3; ++skipped)
            take(line, ' ');
        const auto root = unescape(take(line, ' '));
        const auto mount_point = unescape(take(line, ' '));
        if (!root.starts_with('/') || !mount_point.starts_with('/')) continue;
        if (const auto rest = below(group_path, root))
            found.push_back({group_path, join(mount_point, *rest)});
    }
    return found;
}

} // namespace procctl
