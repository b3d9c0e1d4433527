#include "daemon/core/program_keys_report.h"

#include "daemon/core/program_keys_values.h"

#include <algorithm>

namespace procctl::keys {
namespace {

const config_entry* find_entry(const config_value& map, std::string_view key)
{
    const auto found =
        std::ranges::find(map.entries, key, [](const auto& e) -> const std::string& { return e.first.text; });
    return found == map.entries.end() ? nullptr : &*found;
}

} // namespace

bool reporter::is_given(std::string_view key) const
{
    const config_value* const value = given_.find(key);
    return value != nullptr && !is_empty(*value);
}

bool reporter::says(std::string_view key, std::string_view text) const
{
    const config_value* const value = given_.find(key);
    return value != nullptr && value->text == text;
}

const config_value& reporter::place_of(std::string_view key) const
{
    const auto dot = key.find('.');
    const config_entry* const found = find_entry(given_, key.substr(0, dot));
    if (found == nullptr) return given_;
    if (dot == key.npos) return found->first;
    const config_entry* const inner = find_entry(found->second, key.substr(dot + 1));
    return inner == nullptr ? found->first : inner->first;
}

} // namespace procctl::keys
