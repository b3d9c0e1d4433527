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
    if (value.type == config_value::kind::scalar && value.text == "dbus")
        return errors.report(value, "'dbus' is refused: procctl is not on the bus and cannot see the program "
                                    "take its name there; use notify");
    if (value.type == config_value::kind::scalar && value.text == "idle")
        return errors.report(value, "'idle' is refused: it holds a program back so that its output does not "
                                    "mix with that of a boot on the console; use simple");
    const std::array choices{simple, exec, forking, oneshot, notify, notify_reload};
    if (const auto type = read_choice(value, errors, choices)) program.type = *type;
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

// The items of a list that contains a list: each a command.
void read_several(std::vector<command>& commands, const config_value& list, key_errors& errors)
{
    for (const config_value& item : list.items) {
        if (item.type == config_value::kind::scalar) {
            add_command(commands, item, parse_command(item.text), errors);
        } else if (item.type == config_value::kind::list) {
            if (const auto argv = read_argv(item, errors))
                add_command(commands, item, parse_command(*argv), errors);
        } else {
            errors.report(item, "expected a command, found " + describe(item));
        }
    }
}

template <auto Field>
void parse_commands(program_config& program, const config_value& value, key_errors& errors)
{
    std::vector<command> commands;
    const auto is_list = [](const config_value& item) { return item.type == config_value::kind::list; };
    if (is_empty(value)) {
        // No command: where there must be one, validate says that it is missing.
    } else if (value.type == config_value::kind::scalar) {
        add_command(commands, value, parse_command(value.text), errors);
    } else if (value.type == config_value::kind::map) {
        return errors.report(value, "expected a command, a list of words or a list of commands, found a map");
    } else if (std::ranges::any_of(value.items, is_list)) {
        read_several(commands, value, errors);
    } else if (const auto argv = read_argv(value, errors)) {
        if (argv->front().find_first_of(" \t\n") != std::string::npos)
            return errors.report(
                value.items.front(),
                "a list of plain values is the argv of one command, and '" + argv->front() +
                    "' would be the file to execute; a list of commands is written with a list "
                    "for each: [[/bin/a, x], [/bin/b, y]]");
        add_command(commands, value, parse_command(*argv), errors);
    }
    if (!errors.any()) program.*Field = std::move(commands);
}

template <auto Field> config_value format_commands(const program_config& program)
{
    const std::vector<command>& given = program.*Field;
    if (given.empty()) return {};
    if (given.size() == 1) return config_value::scalar(format_command(given.front()));
    config_value commands;
    commands.type = config_value::kind::list;
    for (const command& c : given) {
        std::vector<std::string> argv = c.argv;
        if (!c.expand_variables) argv.front().insert(0, 1, ':');
        if (c.ignore_failure) argv.front().insert(0, 1, '-');
        commands.items.push_back(config_value::list(std::move(argv)));
    }
    return commands;
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

template <auto Field>
constexpr program_key commands_row(std::string_view name, std::string_view directive, std::string_view doc)
{
    return {name,
            directive,
            key_kind::command_lines,
            "",
            "a command, a list of words, or a list of commands",
            doc,
            parse_commands<Field>,
            format_commands<Field>};
}

constexpr auto rows = std::to_array<program_key>({
    {"description", "Description", key_kind::text, "", "text", "What the program is, for people.",
     parse_description, format_description},
    {"type", "Type", key_kind::choice, "simple", "simple, exec, forking, oneshot, notify, notify-reload",
     "When the program counts as started: `simple` at once, `exec` when its file has been executed, "
     "`forking` when the process of `exec_start` has ended and left the program behind in the background, "
     "`oneshot` when its commands have ended, `notify` when it has sent READY=1 (sd_notify(3)), "
     "`notify-reload` likewise, and it is reloaded by `reload_signal`. Without `type` and `exec_start`, as "
     "in systemd, it is `oneshot`.",
     parse_type, format_choice<&program_config::type>},
    {"exit_type", "ExitType", key_kind::choice, "main", "main, cgroup",
     "What must end for the program to have ended: its main process, or with `cgroup` every process of it. "
     "Not `cgroup` for `oneshot`.",
     parse_choice<&program_config::exit, exit_type::main, exit_type::cgroup>,
     format_choice<&program_config::exit>},
    commands_row<&program_config::exec_condition>(
        "exec_condition", "ExecCondition",
        "Run one after another before everything else. The first that exits with 1 to 254 skips the start, "
        "and the program is `inactive`, not failed; 255 or a signal is a failure."),
    commands_row<&program_config::exec_start_pre>(
        "exec_start_pre", "ExecStartPre",
        "Run one after another before `exec_start`. One that fails ends the start, unless it has the prefix "
        "`-`."),
    commands_row<&program_config::exec_start>(
        "exec_start", "ExecStart",
        "What is executed; required, but for a `oneshot` with `success_action`, or with `exec_stop` and "
        "`remain_after_exit`. A text is split by systemd's quoting rules, without a shell. A list of plain "
        "values is the argv of one command. A list that contains at least one list is a list of commands, "
        "each a text or a list of words, run one after the other; here only for `oneshot`, in the other "
        "`exec_` keys for every type. Prefixes: `-` ignores a failure, `:` switches the expansion of "
        "variables off."),
    commands_row<&program_config::exec_start_post>(
        "exec_start_post", "ExecStartPost",
        "Run one after another when the program has started as its `type` says; only then is it active."),
    commands_row<&program_config::exec_reload>(
        "exec_reload", "ExecReload",
        "Run one after another to reload the program, which has to go on running. `$MAINPID` is its main "
        "process: `/bin/kill -HUP $MAINPID`."),
    commands_row<&program_config::exec_stop>(
        "exec_stop", "ExecStop",
        "Run one after another to stop a program that has started; what is left then gets `kill_signal`. "
        "Also run when it has ended well by itself, without `$MAINPID`."),
    commands_row<&program_config::exec_stop_post>(
        "exec_stop_post", "ExecStopPost",
        "Run one after another after every end, that of a start that failed as well; `$SERVICE_RESULT`, "
        "`$EXIT_CODE` and `$EXIT_STATUS` tell how it went."),
    {"instances", "", key_kind::integer, "", "1 to 1000",
     "How many processes of the program run, called `name@1` to `name@N`. Without the key there is one, "
     "called `name`.",
     parse_number<&program_config::instances, 1, 1000>, format_number<&program_config::instances>},
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
