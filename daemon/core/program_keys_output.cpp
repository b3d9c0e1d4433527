// The key that says where a program's output goes.
#include "daemon/core/program_keys_values.h"

#include <algorithm>
#include <array>

namespace procctl::keys {
namespace {

void parse_log_path(program_config& program, const config_value& value, key_errors& errors)
{
    const std::string* const text = read_text(value, errors);
    if (text == nullptr || (!text->empty() && !check_path(value, *text, errors))) return;
    if (text->ends_with('/')) return errors.report(value, "'" + *text + "' is a folder: name a file in it");
    program.log.path = *text;
}

void parse_log(program_config& program, const config_value& value, key_errors& errors)
{
    if (value.type == config_value::kind::null) return;
    if (value.type != config_value::kind::map)
        return errors.report(value, "expected a map, found " + describe(value) + ": write log: {path: …}");
    static constexpr std::array<std::string_view, 5> later{"max_size", "keep", "compress", "timestamps",
                                                           "stderr_path"};
    for (const auto& [key, content] : value.entries) {
        if (key.text == "path")
            parse_log_path(program, content, errors);
        else if (std::ranges::find(later, key.text) != later.end())
            errors.report(key,
                          "'" + key.text + "' is not supported by this version of procctl; allowed is path");
        else
            errors.report(key, "unknown key '" + key.text + "'; allowed is path");
    }
}

config_value format_log(const program_config& program)
{
    if (program.log.path.empty()) return {};
    config_value map;
    map.type = config_value::kind::map;
    map.entries.emplace_back(config_value::scalar("path"), config_value::scalar(program.log.path));
    return map;
}

constexpr auto rows = std::to_array<program_key>({
    {"log", "", key_kind::log_settings, "", "a map with the key path",
     "`path`: the file that standard output and standard error are appended to. Without the key: "
     "`<log_dir>/<instance name>.log`.",
     parse_log, format_log},
});

} // namespace

std::span<const program_key> output_rows() { return rows; }

} // namespace procctl::keys
