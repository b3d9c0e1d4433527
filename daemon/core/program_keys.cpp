#include "daemon/core/program_keys.h"

#include "common/instance_name.h"
#include "daemon/core/program_keys_unknown.h"
#include "daemon/core/program_keys_values.h"

#include <algorithm>

namespace procctl {
namespace {

// The key's position, or the program's when it is not given.
const config_value& place_of(const config_value& keys, std::string_view name)
{
    const auto found = std::ranges::find(keys.entries, name,
                                         [](const auto& e) -> const std::string& { return e.first.text; });
    return found == keys.entries.end() ? keys : found->first;
}

const config_value* find_value(const config_value& keys, std::string_view name)
{
    const config_value* const value = keys.find(name);
    return value != nullptr && !keys::is_empty(*value) ? value : nullptr;
}

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
        for (const auto theme : {keys::command_rows(), keys::identity_rows(), keys::restart_rows(),
                                 keys::stop_rows(), keys::limit_rows(), keys::output_rows()})
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
    program.restart = keys::default_restart(program.type);
    program.timeout_start = keys::default_timeout_start(program.type);
    for (const auto& [key, value] : given.entries)
        if (key.text != "type") parse_key(program, key, value, file, out);
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

void validate(const program_config& program, const config_value& given, const std::string& file,
              diagnostics& out)
{
    key_errors errors(out, file);
    const bool is_oneshot = program.type == service_type::oneshot;

    // A command that is given but wrong has been reported already.
    if (program.exec_start.empty() && find_value(given, "exec_start") == nullptr)
        errors.report(place_of(given, "exec_start"),
                      "the program '" + program.name + "' has no 'exec_start'");
    if (program.exec_start.size() > 1 && !is_oneshot)
        errors.report(place_of(given, "exec_start"),
                      "exec_start: several commands are allowed for type oneshot only, this is type " +
                          std::string(to_text(program.type)));
    if (is_oneshot &&
        (program.restart == restart_mode::always || program.restart == restart_mode::on_success))
        errors.report(place_of(given, "restart"),
                      "restart: '" + std::string(to_text(program.restart)) +
                          "' is refused for type oneshot, as in systemd; allowed are "
                          "no, on-failure, on-abnormal, on-abort, on-watchdog");
    if (is_oneshot && program.runtime_max != infinity)
        errors.report(place_of(given, "runtime_max_sec"),
                      "runtime_max_sec has no effect on type oneshot: use timeout_start_sec",
                      severity::warning);
    const std::string longest = instance_name_of(program, instance_count(program));
    const bool has_name =
        check_program_name(program.name).has_value(); // else it has been reported, or is to come
    if (auto checked = parse_instance_name(longest); has_name && !checked)
        errors.report(place_of(given, "instances"), "instances: " + checked.error().message());
    const bool shares_log = program.log_path.find("%i") == std::string::npos &&
                            program.log_path.find("%n") == std::string::npos &&
                            program.log_path.find("%N") == std::string::npos;
    if (program.instances > 1 && !program.log_path.empty() && shares_log)
        errors.report(place_of(given, "log"),
                      "log: all instances write to the same file; with %i in the path each has its own",
                      severity::warning);
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
