#include "daemon/core/program_keys.h"

#include "daemon/core/program_keys_unknown.h"
#include "daemon/core/program_keys_values.h"

#include <algorithm>

namespace procctl {
namespace {

bool parse_key(program_config& program, const config_value& key, const config_value& value,
               const std::string& file, diagnostics& out)
{
    key_errors errors(out, file);
    const program_key* const known = find_program_key(key.text);
    if (known == nullptr) {
        errors.report(key, explain_unknown_program_key(key.text));
        return false;
    }
    errors.set_key(known->name);
    known->parse(program, value, errors);
    return !errors.any();
}

// Whether systemd would take it for a oneshot that has nothing to do but to be there.
bool is_without_command(const config_value& given)
{
    const auto has = [&](std::string_view key) {
        const config_value* const value = given.find(key);
        return value != nullptr && !keys::is_empty(*value);
    };
    return !has("type") && !has("exec_start") && (has("exec_stop") || has("success_action"));
}

} // namespace

void key_errors::report(const config_value& where, std::string message, severity level)
{
    if (level == severity::error) any_ = true;
    if (!key_.empty()) message.insert(0, key_ + ": ");
    out_.push_back({level, {file_, where.line, where.column}, std::move(message)});
}

std::span<const program_key> program_keys()
{
    static const std::vector<program_key> all = [] {
        std::vector<program_key> rows;
        for (const auto theme :
             {keys::command_rows(), keys::start_rows(), keys::identity_rows(), keys::restart_rows(),
              keys::timeout_rows(), keys::notify_rows(), keys::stop_rows(), keys::end_rows(),
              keys::limit_rows(), keys::input_rows(), keys::output_rows()})
            rows.insert(rows.end(), theme.begin(), theme.end());
        return rows;
    }();
    return all;
}

const program_key* find_program_key(std::string_view name)
{
    const auto found = std::ranges::find(program_keys(), name, &program_key::name);
    return found == program_keys().end() ? nullptr : &*found;
}

program_config parse_program(std::string_view name, const config_value& given, const std::string& file,
                             diagnostics& out)
{
    program_config program;
    program.name = name;
    if (given.type != config_value::kind::map && given.type != config_value::kind::null) {
        key_errors(out, file).report(given, "expected a map of keys for the program '" + program.name +
                                                "', found " + keys::describe(given));
        return program;
    }

    const std::size_t first_problem = out.size();
    // The type decides over defaults, so it comes first; the others in the order of the file, because
    // timeout_sec and its two parts override one another.
    for (const auto& [key, value] : given.entries)
        if (key.text == "type") parse_key(program, key, value, file, out);
    if (is_without_command(given)) program.type = service_type::oneshot;
    program.restart = keys::default_restart(program.type);
    program.timeout_start = keys::default_timeout_start(program.type);
    for (const auto& [key, value] : given.entries)
        if (key.text != "type") parse_key(program, key, value, file, out);
    keys::adjust(program, given, file, out);
    validate(program, given, file, out);
    const auto position = [](const diagnostic& d) { return std::pair(d.where.line, d.where.column); };
    std::ranges::stable_sort(out.begin() + static_cast<std::ptrdiff_t>(first_problem), out.end(), {},
                             position);
    return program;
}

bool check_program_key(const config_value& key, const config_value& value, const std::string& file,
                       diagnostics& out)
{
    program_config program;
    return parse_key(program, key, value, file, out);
}

config_value format_program(const program_config& program)
{
    config_value map;
    map.type = config_value::kind::map;
    for (const program_key& key : program_keys()) {
        config_value value = key.format(program);
        if (value.type == config_value::kind::null) continue;
        map.entries.emplace_back(config_value::scalar(std::string(key.name)), std::move(value));
    }
    return map;
}

} // namespace procctl
