// The keys that say what runs: description, type, commands, instances, tags.
#include "common/instance_name.h"
#include "daemon/core/command_line.h"
#include "daemon/core/program_keys_values.h"
#include "daemon/core/specifiers.h"

#include <algorithm>
#include <array>

namespace procctl::keys {
namespace {

void parse_description(program_config& program, const config_value& value, key_errors& errors)
{
    if (const std::string* const text = read_text(value, errors)) program.description = *text;
}

config_value format_description(const program_config& program)
{
    return program.description.empty() ? config_value{} : config_value::scalar(program.description);
}

void parse_type(program_config& program, const config_value& value, key_errors& errors)
{
    using enum service_type;
    for (const std::string_view later : {"forking", "notify", "notify-reload", "dbus", "idle"}) {
        if (value.type != config_value::kind::scalar || value.text != later) continue;
        return errors.report(value, "'" + value.text +
                                        "' is not supported by this version of procctl; allowed are simple, "
                                        "exec, oneshot");
    }
    if (const auto type = read_choice(value, errors, std::array{simple, exec, oneshot})) program.type = *type;
}

config_value format_type(const program_config& program)
{
    if (program.type == defaults().type) return {};
    return config_value::scalar(std::string(to_text(program.type)));
}

void add_command(std::vector<command>& commands, const config_value& where, result<command> parsed,
                 key_errors& errors)
{
    if (!parsed) return errors.report(where, parsed.error().message());
    for (const std::string& word : parsed->argv)
        if (auto checked = check_specifiers(word); !checked)
            return errors.report(where, checked.error().message());
    if (auto checked = check_variables(*parsed); !checked)
        return errors.report(where, checked.error().message());
    commands.push_back(std::move(*parsed));
}

// A list of words; absent when one of them is no scalar.
std::optional<std::vector<std::string>> read_argv(const config_value& list, key_errors& errors)
{
    std::vector<std::string> argv;
    for (const config_value& word : list.items) {
        if (word.type != config_value::kind::scalar) {
            errors.report(word, "expected a word of the command, found " + describe(word));
            return std::nullopt;
        }
        argv.push_back(word.text);
    }
    return argv;
}

void parse_exec_start(program_config& program, const config_value& value, key_errors& errors)
{
    std::vector<command> commands;
    const auto is_list = [](const config_value& item) { return item.type == config_value::kind::list; };
    if (is_empty(value)) {
        // Nothing: validate says that it is missing.
    } else if (value.type == config_value::kind::scalar) {
        add_command(commands, value, parse_command(value.text), errors);
    } else if (value.type == config_value::kind::map) {
        return errors.report(value, "expected a command, a list of words or a list of commands, found a map");
    } else if (std::ranges::any_of(value.items, is_list)) {
        for (const config_value& item : value.items) {
            if (item.type == config_value::kind::scalar) {
                add_command(commands, item, parse_command(item.text), errors);
            } else if (item.type == config_value::kind::list) {
                if (const auto argv = read_argv(item, errors))
                    add_command(commands, item, parse_command(*argv), errors);
            } else {
                errors.report(item, "expected a command, found " + describe(item));
            }
        }
    } else if (const auto argv = read_argv(value, errors)) {
        if (argv->front().find_first_of(" \t\n") != std::string::npos)
            return errors.report(
                value.items.front(),
                "a list of plain values is the argv of one command, and '" + argv->front() +
                    "' would be the file to execute; a list of commands is written with a list "
                    "for each: [[/bin/a, x], [/bin/b, y]]");
        add_command(commands, value, parse_command(*argv), errors);
    }
    if (!errors.any()) program.exec_start = std::move(commands);
}

config_value format_exec_start(const program_config& program)
{
    if (program.exec_start.empty()) return {};
    if (program.exec_start.size() == 1)
        return config_value::scalar(format_command(program.exec_start.front()));
    config_value commands;
    commands.type = config_value::kind::list;
    for (const command& c : program.exec_start) {
        std::vector<std::string> argv = c.argv;
        if (!c.expand_variables) argv.front().insert(0, 1, ':');
        if (c.ignore_failure) argv.front().insert(0, 1, '-');
        commands.items.push_back(config_value::list(std::move(argv)));
    }
    return commands;
}

void parse_instances(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto n = read_integer(value, errors, 1, 1000)) program.instances = static_cast<unsigned>(*n);
}

config_value format_instances(const program_config& program)
{
    return program.instances == 0 ? config_value{} : config_value::scalar(std::to_string(program.instances));
}

void parse_tags(program_config& program, const config_value& value, key_errors& errors)
{
    auto tags = read_words(value, errors);
    if (!tags) return;
    for (const std::string& tag : *tags)
        if (auto checked = check_program_name(tag); !checked)
            return errors.report(value, "a tag follows the rules of names: " + checked.error().message());
    program.tags = std::move(*tags);
}

constexpr auto rows = std::to_array<program_key>({
    {"description", "Description", key_kind::text, "", "text", "What the program is, for people.",
     parse_description, format_description},
    {"type", "Type", key_kind::choice, "simple", "simple, exec, oneshot",
     "When the program counts as started: `simple` at once, `exec` when its file has been executed, "
     "`oneshot` "
     "when its commands have ended.",
     parse_type, format_type},
    {"exec_start", "ExecStart", key_kind::command_lines, "",
     "a command, a list of words, or (oneshot) a list of commands",
     "What is executed; required. A text is split by systemd's quoting rules, without a shell. A list of "
     "plain "
     "values is the argv of one command. A list that contains at least one list is a list of commands, each "
     "a "
     "text or a list of words, run one after the other: only for `oneshot`. Prefixes: `-` ignores a failure, "
     "`:` switches the expansion of variables off.",
     parse_exec_start, format_exec_start},
    {"instances", "", key_kind::integer, "", "1 to 1000",
     "How many processes of the program run, called `name@1` to `name@N`. Without the key there is one, "
     "called "
     "`name`.",
     parse_instances, format_instances},
    {"autostart", "", key_kind::boolean, "yes", "yes or no",
     "Whether the program is started with the daemon, and when an update brings it.",
     parse_boolean<&program_config::autostart>, format_boolean<&program_config::autostart>},
    {"tags", "", key_kind::text_list, "", "a list of words, with the letters of names",
     "Words under which commands find the program: `@batch`.", parse_tags,
     format_words<&program_config::tags>},
});

} // namespace

std::span<const program_key> command_rows() { return rows; }

} // namespace procctl::keys
