#include "daemon/control/near_names.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace procctl {
namespace {

// How many letters must be put in, left out, changed or swapped with their neighbour to make one of the
// other.
std::size_t distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before_last = std::exchange(last, row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = a[i - 1] == b[j - 1];
            row[j] = std::min({last[j - 1] + (same ? 0 : 1), last[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
    }
    return row.back();
}

} // namespace

std::vector<std::string> near_names(std::string_view typed, const std::vector<std::string>& names)
{
    // No name is longer; and the work stays bounded whatever a client sends.
    if (typed.empty() || typed.size() > 128) return {};
    const std::size_t slips = typed.size() < 4 ? 1 : 2;
    std::vector<std::pair<std::size_t, std::string>> near;
    for (const std::string& name : names) {
        const bool begins = typed.size() > 1 && name.starts_with(typed);
        const std::size_t away = begins ? 0 : distance(typed, name);
        if (away <= slips) near.emplace_back(away, name);
    }
    std::ranges::stable_sort(near, {}, &std::pair<std::size_t, std::string>::first);
    std::vector<std::string> out;
    for (auto& [away, name] : near) {
        if (out.size() == 3) break;
        if (std::ranges::find(out, name) == out.end()) out.push_back(std::move(name));
    }
    return out;
}

} // namespace procctl
