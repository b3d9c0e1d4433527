#include "daemon/core/config_value.h"

#include <algorithm>

namespace procctl {

config_value config_value::scalar(std::string text)
{
    config_value value;
    value.type = kind::scalar;
    value.text = std::move(text);
    return value;
}

config_value config_value::list(std::vector<std::string> texts)
{
    config_value value;
    value.type = kind::list;
    for (std::string& text : texts)
        value.items.push_back(scalar(std::move(text)));
    return value;
}

const config_value* config_value::find(std::string_view key) const
{
    const auto found = std::ranges::find(
        entries, key, [](const auto& entry) -> const std::string& { return entry.first.text; });
    return found == entries.end() ? nullptr : &found->second;
}

bool same_value(const config_value& a, const config_value& b)
{
    if (a.type != b.type) return false;
    switch (a.type) {
    case config_value::kind::null: return true;
    case config_value::kind::scalar: return a.text == b.text;
    case config_value::kind::list: return std::ranges::equal(a.items, b.items, same_value);
    case config_value::kind::map:
        return std::ranges::equal(a.entries, b.entries, [](const auto& x, const auto& y) {
            return same_value(x.first, y.first) && same_value(x.second, y.second);
        });
    }
    return false;
}

} // namespace procctl
