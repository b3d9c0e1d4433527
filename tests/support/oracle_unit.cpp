#include "tests/support/oracle_unit.h"

#include "daemon/core/command_line.h"
#include "daemon/core/program_keys.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace procctl::oracle {
namespace {

constexpr std::string_view runtime_folder = "/run/user/0";

void replace_all(std::string& text, std::string_view what, std::string_view by)
{
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
        text.replace(at, what.size(), by);
}

std::string without_specifiers(std::string unit, const std::string& name)
{
    replace_all(unit, "%t", runtime_folder);
    replace_all(unit, "%n", name + ".service");
    replace_all(unit, "%p", name);
    return unit;
}

config_value command_lines(const std::vector<std::string>& texts)
{
    if (texts.size() == 1) return config_value::scalar(texts.front());
    config_value commands;
    commands.type = config_value::kind::list;
    for (const std::string& text : texts)
        commands.items.push_back(config_value::list(split_words(text).value()));
    return commands;
}

std::string joined(const std::vector<std::string>& texts)
{
    std::string words;
    for (const std::string& text : texts)
        words += (words.empty() ? "" : " ") + text;
    return words;
}

// Assignments of a list add up, and an empty one clears it; of anything else the last one counts.
config_value value_of(const program_key& key, const std::vector<std::string>& texts)
{
    switch (key.kind) {
    case key_kind::command_line:
    case key_kind::command_lines: return command_lines(texts);
    case key_kind::exit_statuses: return config_value::scalar(joined(texts));
    case key_kind::text_list: return config_value::list(split(joined(texts), " "));
    default: return config_value::scalar(texts.back());
    }
}

std::string in_our_words(const directive& d)
{
    std::string value = d.value;
    if (d.name == "OnFailure" || d.name == "OnSuccess") replace_all(value, ".service", "");
    return value;
}

} // namespace

translated_unit translate_unit(const std::string& unit, const std::string& name)
{
    translated_unit translated;
    std::vector<std::pair<const program_key*, std::vector<std::string>>> values;
    for (directive& d : parse_unit(without_specifiers(unit, name))) {
        if (d.name == "StartLimitInterval") d.name = "StartLimitIntervalSec"; // its name before systemd 230
        const auto key = std::ranges::find(program_keys(), d.name, &program_key::directive);
        if (key == program_keys().end()) {
            translated.others.push_back(std::move(d));
            continue;
        }
        auto found = std::ranges::find(values, &*key, [](const auto& item) { return item.first; });
        if (found == values.end()) found = values.insert(values.end(), {&*key, {}});
        if (d.value.empty()) found->second.clear();
        if (!d.value.empty()) found->second.push_back(in_our_words(d));
    }
    config_value map;
    map.type = config_value::kind::map;
    for (const auto& [key, texts] : values)
        map.entries.emplace_back(config_value::scalar(std::string(key->name)),
                                 texts.empty() ? config_value::scalar("") : value_of(*key, texts));
    if (map.find("restart") == nullptr) // systemd's default
        map.entries.emplace_back(config_value::scalar("restart"), config_value::scalar("no"));
    diagnostics found;
    translated.program = parse_program(name, map, "unit", found);
    for (const diagnostic& d : found)
        if (d.level == severity::error) translated.errors += d.message + '\n';
    return translated;
}

bool has_dependencies(const translated_unit& unit)
{
    constexpr std::array names{"Requires", "Requisite", "BindsTo", "PartOf", "Wants", "After", "Before"};
    return std::ranges::any_of(
        unit.others, [&](const directive& d) { return std::ranges::find(names, d.name) != names.end(); });
}

std::string flag_of(const std::string& name) { return std::string(runtime_folder) + "/oracle/flag/" + name; }

} // namespace procctl::oracle
