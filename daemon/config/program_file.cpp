#include "daemon/config/program_file.h"

#include "common/instance_name.h"
#include "daemon/core/program_keys.h"
#include "daemon/core/program_keys_unknown.h"
#include "daemon/core/utf8.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

namespace procctl {
namespace {

using kind = config_value::kind;

void report(diagnostics& out, const std::string& file, const config_value& where, std::string message)
{
    out.push_back({severity::error, {file, where.line, where.column}, std::move(message)});
}

// What stands above `programs` in the file, when it is neither of the two keys.
std::string explain_top_level_key(const config_value& key, const config_value& value)
{
    static constexpr std::array<std::string_view, 2> known{"programs", "defaults"};
    static constexpr std::array<std::string_view, 13> settings{
        "conf_d",    "socket",    "socket_mode",   "socket_group",        "log_dir",
        "state_dir", "log_level", "log_file",      "max_parallel_starts", "ready_when",
        "access",    "limits",    "control_groups"};
    const std::string unknown = "unknown key '" + shortened(key.text) + "'";
    if (const std::string_view near = nearest(key.text, known); !near.empty())
        return unknown + ": did you mean '" + std::string(near) + "'?";
    if (value.type == kind::map && (value.find("exec_start") != nullptr || value.find("command") != nullptr))
        return unknown + ": a program stands under 'programs:', indented";
    if (std::ranges::find(settings, key.text) != settings.end())
        return unknown + ": this is a key of the daemon's settings file, not of a file of programs";
    for (const std::string_view section : {"unit", "service", "install"})
        if (is_same_spelling(key.text, section))
            return unknown +
                   ": there are no sections; a program's keys stand under its name, under 'programs:'";
    if (find_program_key(key.text) != nullptr)
        return unknown + ": a program's keys stand under its name, under 'programs:'";
    return unknown + "; allowed are programs and defaults";
}

// The program's value laid over that of `defaults`. Maps are laid over each other key by key, lists and texts
// of assignments one behind the other; an empty text takes the default back.
config_value merge_values(const config_value& below, const config_value& above)
{
    if (below.type == kind::list && above.type == kind::list) {
        config_value merged = above;
        merged.items.insert(merged.items.begin(), below.items.begin(), below.items.end());
        return merged;
    }
    if (below.type == kind::scalar && above.type == kind::scalar && !above.text.empty()) {
        config_value merged = above;
        merged.text = below.text + ' ' + above.text;
        return merged;
    }
    if (below.type != kind::map || above.type != kind::map) return above;
    config_value merged = above;
    merged.entries.clear();
    for (const auto& entry : below.entries)
        if (above.find(entry.first.text) == nullptr) merged.entries.push_back(entry);
    merged.entries.insert(merged.entries.end(), above.entries.begin(), above.entries.end());
    return merged;
}

bool is_merged(std::string_view key) { return key == "environment" || key == "log"; }

// All of `defaults` first: of keys that override one another the program's stand later and so count.
config_value merge_keys(const config_value& defaults, const config_value& program, const std::string& file,
                        diagnostics& out)
{
    if (program.type != kind::map && program.type != kind::null) return program;
    config_value merged = program;
    merged.type = kind::map;
    merged.entries.clear();
    for (const auto& entry : defaults.entries)
        if (program.find(entry.first.text) == nullptr) merged.entries.push_back(entry);
    for (const auto& [key, value] : program.entries) {
        const config_value* const below = defaults.find(key.text);
        if (below == nullptr || !is_merged(key.text) || value.type == kind::null ||
            below->type == kind::null) {
            merged.entries.emplace_back(key, value);
            continue;
        }
        if (below->type != value.type && !(value.type == kind::scalar && value.text.empty()))
            report(out, file, value,
                   key.text + ": 'defaults' has it in another form (line " + std::to_string(below->line) +
                       "), so the two cannot be put together: write both as maps");
        merged.entries.emplace_back(key, merge_values(*below, value));
    }
    return merged;
}

source_position position_of_key(const config_value& keys, std::string_view name,
                                const source_position& otherwise)
{
    const config_value* const value = keys.find(name);
    return value == nullptr ? otherwise : source_position{otherwise.file, value->line, value->column};
}

void note_mentions(file_program& p, const config_value& keys, std::string_view key,
                   const std::vector<std::string>& names)
{
    const config_value* const value = keys.find(key);
    for (const std::string& name : names) {
        const auto item = std::ranges::find(
            value->items, name, [](const config_value& i) -> const std::string& { return i.text; });
        const config_value& place = item == value->items.end() ? *value : *item;
        p.mentions.push_back({key, name, {p.program.where.file, place.line, place.column}});
    }
}

// A contradiction within `defaults` is found again with every program.
void drop_repeated(diagnostics& all, std::size_t first)
{
    std::set<std::tuple<int, int, std::string>> seen;
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    const auto is_repeated = [&](const diagnostic& d) {
        return !seen.emplace(d.where.line, d.where.column, d.message).second;
    };
    all.erase(std::remove_if(begin, all.end(), is_repeated), all.end());
}

struct extent {
    std::size_t nodes = 1;
    std::size_t text = 0;
};

extent extent_of(const config_value& value)
{
    extent sum{.nodes = 1, .text = value.text.size()};
    const auto add = [&](const config_value& part) {
        const extent e = extent_of(part);
        sum.nodes += e.nodes;
        sum.text += e.text;
    };
    for (const config_value& item : value.items)
        add(item);
    for (const auto& [key, content] : value.entries) {
        add(key);
        add(content);
    }
    return sum;
}

// `defaults` are copied under every program: a file must not grow without bounds by that.
bool fits(const config_value& defaults, std::size_t programs)
{
    static constexpr std::size_t max_nodes = 1'000'000;
    static constexpr std::size_t max_text = 64 << 20;
    const extent e = extent_of(defaults);
    return e.nodes * programs <= max_nodes && e.text * programs <= max_text;
}

// The keys of `defaults:` that are right; the others are reported.
config_value read_defaults(const config_value& tree, const std::string& file, diagnostics& out)
{
    config_value right;
    right.type = kind::map;
    const config_value* const given = tree.find("defaults");
    if (given == nullptr || given->type == kind::null) return right;
    if (given->type != kind::map) {
        report(out, file, *given, "defaults: expected a map of a program's keys");
        return right;
    }
    for (const auto& [key, value] : given->entries)
        if (check_program_key(key, value, file, out)) right.entries.emplace_back(key, value);
    return right;
}

file_program parse_one(const config_value& name, const config_value& keys, const std::string& file,
                       diagnostics& out)
{
    file_program parsed;
    parsed.program.where = {file, name.line, name.column};
    parsed.program.config = parse_program(name.text, keys, file, out);
    parsed.user = position_of_key(keys, "user", parsed.program.where);
    parsed.group = position_of_key(keys, "group", parsed.program.where);
    parsed.supplementary_groups = position_of_key(keys, "supplementary_groups", parsed.program.where);
    if (const config_value* const log = keys.find("log")) {
        parsed.log_user = position_of_key(*log, "user", parsed.program.where);
        parsed.log_group = position_of_key(*log, "group", parsed.program.where);
    }
    note_mentions(parsed, keys, "on_failure", parsed.program.config.on_failure);
    note_mentions(parsed, keys, "on_success", parsed.program.config.on_success);
    return parsed;
}

} // namespace

std::vector<file_program> parse_program_file(const config_value& tree, const std::string& file,
                                             diagnostics& out)
{
    std::vector<file_program> programs;
    if (tree.type == kind::null) { // nothing, or nothing but comments: an editor may be about to write it
        out.push_back({severity::warning, {file}, "the file is empty: it defines no program"});
        return programs;
    }
    if (tree.type != kind::map) {
        report(out, file, tree,
               "expected a map with the key 'programs', found " +
                   std::string(tree.type == kind::list ? "a list" : "'" + tree.text + "'"));
        return programs;
    }

    const std::size_t first_problem = out.size();
    for (const auto& [key, value] : tree.entries)
        if (key.text != "programs" && key.text != "defaults")
            report(out, file, key, explain_top_level_key(key, value));

    config_value defaults = read_defaults(tree, file, out);
    const config_value* const given = tree.find("programs");
    if (given == nullptr || given->type == kind::null) return programs;
    if (given->type != kind::map) {
        report(out, file, *given, "programs: expected a map of programs by name");
        return programs;
    }
    if (!fits(defaults, given->entries.size())) {
        report(out, file, *tree.find("defaults"), "defaults: too large for so many programs");
        defaults.entries.clear();
    }
    for (const auto& [name, keys] : given->entries) {
        if (auto checked = check_program_name(name.text); !checked)
            report(out, file, name, checked.error().message());
        config_value merged = merge_keys(defaults, keys, file, out);
        if (keys.type == kind::null ||
            keys.type == kind::map) { // what a program lacks is reported at its name
            merged.line = name.line;
            merged.column = name.column;
        }
        programs.push_back(parse_one(name, merged, file, out));
    }
    drop_repeated(out, first_problem);
    return programs;
}

} // namespace procctl
