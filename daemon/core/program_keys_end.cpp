// The keys that say what else happens when a program has come to its end: other programs, or the daemon's
// own end.
#include "common/instance_name.h"
#include "daemon/core/program_keys_values.h"

#include <algorithm>
#include <array>

namespace procctl::keys {
namespace {

// systemd's other actions, which do something to the machine.
constexpr std::array<std::string_view, 13> machine_actions{"reboot",
                                                           "reboot-force",
                                                           "reboot-immediate",
                                                           "poweroff",
                                                           "poweroff-force",
                                                           "poweroff-immediate",
                                                           "halt",
                                                           "halt-force",
                                                           "halt-immediate",
                                                           "kexec",
                                                           "kexec-force",
                                                           "soft-reboot",
                                                           "soft-reboot-force"};

template <auto Field>
void parse_action(program_config& program, const config_value& value, key_errors& errors)
{
    using enum emergency_action;
    if (value.type == config_value::kind::scalar && value.text == "exit-force")
        return errors.report(value, "'exit-force' is refused: procctl does not leave programs behind that "
                                    "nobody looks after; write exit");
    if (value.type == config_value::kind::scalar &&
        std::ranges::find(machine_actions, value.text) != machine_actions.end())
        return errors.report(value, "'" + value.text +
                                        "' is refused: procctl ends itself at most, never the "
                                        "machine; allowed are none, exit");
    if (const auto action = read_choice(value, errors, std::array{none, exit})) program.*Field = *action;
}

// Absent: an empty value, as in systemd.
template <auto Field>
void parse_exit_status(program_config& program, const config_value& value, key_errors& errors)
{
    if (value.type == config_value::kind::null ||
        (value.type == config_value::kind::scalar && value.text.empty()))
        (program.*Field).reset();
    else
        parse_optional_integer<Field, 0, 255>(program, value, errors);
}

// Empty: all right. Whether there is such a program is known when all files have been read.
std::string wrong_name(const std::string& name)
{
    const std::string quoted = "'" + name + "'";
    if (name.starts_with('@')) return quoted + " is a tag: name the programs themselves";
    if (is_glob(name)) return quoted + " is a pattern: name the programs themselves";
    if (name.find('%') != std::string::npos) return quoted + ": specifiers are not expanded here";
    const auto parsed = parse_instance_name(name);
    return parsed ? std::string{} : parsed.error().message();
}

template <auto Field>
void parse_programs(program_config& program, const config_value& value, key_errors& errors)
{
    auto names = read_words(value, errors);
    if (!names) return;
    for (std::size_t n = 0; n < names->size(); ++n)
        if (const std::string wrong = wrong_name((*names)[n]); !wrong.empty())
            errors.report(value.type == config_value::kind::list ? value.items[n] : value, wrong);
    if (!errors.any()) program.*Field = std::move(*names);
}

template <auto Field>
constexpr program_key action_row(std::string_view name, std::string_view directive, std::string_view doc)
{
    return {name,         directive, key_kind::choice,    "none",
            "none, exit", doc,       parse_action<Field>, format_choice<Field>};
}
template <auto Field>
constexpr program_key exit_status_row(std::string_view name, std::string_view directive, std::string_view doc)
{
    return {name,
            directive,
            key_kind::integer,
            "",
            "0 to 255, or nothing",
            doc,
            parse_exit_status<Field>,
            format_optional_integer<Field>};
}
template <auto Field>
constexpr program_key programs_row(std::string_view name, std::string_view directive, std::string_view doc)
{
    return {name,
            directive,
            key_kind::text_list,
            "",
            "names of programs or instances",
            doc,
            parse_programs<Field>,
            format_words<Field>};
}

constexpr auto rows = std::to_array<program_key>({
    programs_row<&program_config::on_failure>(
        "on_failure", "OnFailure",
        "Programs that are started when this one has failed and is not restarted by itself. They see how it "
        "ended in "
        "`$MONITOR_SERVICE_RESULT`, `$MONITOR_EXIT_CODE`, `$MONITOR_EXIT_STATUS`, `$MONITOR_INVOCATION_ID` "
        "and "
        "`$MONITOR_UNIT`. The name of a program means all of its instances."),
    programs_row<&program_config::on_success>("on_success", "OnSuccess",
                                              "The same for an end that was a success."),
    action_row<&program_config::success_action>(
        "success_action", "SuccessAction",
        "`exit`: when the program has ended well and is not restarted, the daemon stops all programs and "
        "ends, for instance "
        "because the work of a container is done."),
    action_row<&program_config::failure_action>("failure_action", "FailureAction",
                                                "The same for when the program has failed."),
    action_row<&program_config::start_limit_action>(
        "start_limit_action", "StartLimitAction",
        "The same for when a start is refused because of `start_limit_burst`."),
    exit_status_row<&program_config::success_action_exit_status>(
        "success_action_exit_status", "SuccessActionExitStatus",
        "The exit status of the daemon after `success_action`. Without the key: that of the program's main "
        "process."),
    exit_status_row<&program_config::failure_action_exit_status>(
        "failure_action_exit_status", "FailureActionExitStatus",
        "The same for `failure_action` and `start_limit_action`. Without the key: that of the main process, "
        "or 255 "
        "where a signal has ended it."),
});

} // namespace

std::span<const program_key> end_rows() { return rows; }

} // namespace procctl::keys
