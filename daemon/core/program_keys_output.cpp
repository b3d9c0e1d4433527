// The keys that say where a program's output goes.
#include "daemon/core/program_keys_values.h"
#include "daemon/core/specifiers.h"
#include "daemon/core/utf8.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace procctl::keys {
namespace {

constexpr std::string_view allowed_outputs =
    "log, inherit, journal, syslog, null, file:PATH, append:PATH, truncate:PATH";

constexpr std::string_view one_place = "output goes to one place: write journal, syslog or log, or log with "
                                       "log: {path: /dev/console} for the console";
constexpr std::string_view no_terminal =
    "no program is given a terminal; append:/dev/ttyN, or log with log: {path: /dev/ttyN}, writes to one";
constexpr std::string_view is_a_path = "write file:, append: or truncate: before the path; or log, and log: "
                                       "{path: …}, for a file that is rotated";

// systemd's other values, Supervisor's, and what else people write.
constexpr auto refused_outputs = std::to_array<refused_word>({
    {"tty", no_terminal},
    {"journal+console", one_place},
    {"syslog+console", one_place},
    {"kmsg+console", one_place},
    {"kmsg", "write journal or syslog; append:/dev/kmsg writes into the kernel's log itself"},
    {"socket", "listening sockets are not supported by this version of procctl"},
    {"fd", "no descriptors are passed in; a FIFO can be named: append:PATH"},
    {"fd:", "no descriptors are passed in; a FIFO can be named: append:PATH"},
    {"none", "write null"},
    {"off", "write null"},
    {"no", "write null"},
    {"/dev/null", "write null"},
    {"auto", "write log"},
    {"yes", "write log"},
    {"console", "write log, and log: {path: /dev/console}"},
    {"stdout", "write inherit: standard error then goes where standard output goes"},
    {"/dev/stdout", "write log, and log: {path: /dev/stdout}, for the daemon's"},
    {"/dev/stderr", "write log, and log: {path: /dev/stderr}, for the daemon's"},
    {"/", is_a_path},
});

std::optional<output_choice> read_output(const config_value& value, key_errors& errors)
{
    const std::string* const text = read_text_or_null(value, errors);
    if (text == nullptr) return std::nullopt;
    using enum output_kind;
    for (const output_kind kind : {log, inherit, journal, syslog, null})
        if (*text == to_text(kind)) return output_choice{kind, {}};
    for (const output_kind kind : {file, append, truncate}) {
        const std::string prefix = std::string(to_text(kind)) + ':';
        if (!text->starts_with(prefix)) continue;
        output_choice choice{kind, text->substr(prefix.size())};
        if (!check_opened_path(value, prefix, choice.path, errors)) return std::nullopt;
        return choice;
    }
    report_word(value, *text, refused_outputs, allowed_outputs, errors);
    return std::nullopt;
}

template <auto Field>
void parse_output(program_config& program, const config_value& value, key_errors& errors)
{
    if (auto choice = read_output(value, errors)) program.*Field = std::move(*choice);
}

template <auto Field> config_value format_output(const program_config& program)
{
    const output_choice& choice = program.*Field;
    if (choice == defaults().*Field) return {};
    std::string text(to_text(choice.kind));
    if (!choice.path.empty()) text += ':' + choice.path;
    return config_value::scalar(std::move(text));
}

// syslog(3)'s, by number; 12 to 15 have no name.
constexpr auto facilities = std::to_array<std::string_view>(
    {"kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
     "uucp",   "cron",   "authpriv", "ftp",    "",       "",       "",       "",
     "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"});
constexpr auto levels =
    std::to_array<std::string_view>({"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"});
constexpr std::string_view allowed_facilities =
    "kern, user, mail, daemon, auth, syslog, lpr, news, uucp, cron, "
    "authpriv, ftp, local0 to local7, and 0 to 23";
constexpr std::string_view allowed_levels =
    "emerg, alert, crit, err, warning, notice, info, debug, and 0 to 7";

template <auto Field>
void parse_named_number(program_config& program, const config_value& value, key_errors& errors,
                        std::span<const std::string_view> names, std::string_view allowed)
{
    const std::string* const text = read_filled_text(value, errors);
    if (text == nullptr) return;
    int number = -1;
    if (const auto name = std::ranges::find(names, std::string_view(*text)); name != names.end())
        number = static_cast<int>(name - names.begin());
    else if (const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), number);
             code != std::errc{} || end != text->data() + text->size())
        number = -1;
    if (number < 0 || number >= static_cast<int>(names.size()))
        return errors.report(value,
                             "unknown value '" + shortened(*text) + "'; allowed are " + std::string(allowed));
    program.*Field = number;
}

template <auto Field>
config_value format_named_number(const program_config& program, std::span<const std::string_view> names)
{
    const int number = program.*Field;
    if (number == defaults().*Field) return {};
    const std::string_view name = names[static_cast<std::size_t>(number)];
    return config_value::scalar(name.empty() ? std::to_string(number) : std::string(name));
}

void parse_facility(program_config& program, const config_value& value, key_errors& errors)
{
    parse_named_number<&program_config::syslog_facility>(program, value, errors, facilities,
                                                         allowed_facilities);
}

config_value format_facility(const program_config& program)
{
    return format_named_number<&program_config::syslog_facility>(program, facilities);
}

void parse_level(program_config& program, const config_value& value, key_errors& errors)
{
    parse_named_number<&program_config::syslog_level>(program, value, errors, levels, allowed_levels);
}

config_value format_level(const program_config& program)
{
    return format_named_number<&program_config::syslog_level>(program, levels);
}

void parse_identifier(program_config& program, const config_value& value, key_errors& errors)
{
    const std::string* const text = read_text(value, errors);
    if (text == nullptr) return;
    if (auto checked = check_specifiers(*text); !checked)
        return errors.report(value, checked.error().message());
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::ranges::any_of(*text, is_control))
        return errors.report(value, "a name of one line is wanted, without control characters");
    program.syslog_identifier = *text;
}

config_value format_identifier(const program_config& program)
{
    if (program.syslog_identifier.empty()) return {};
    return config_value::scalar(program.syslog_identifier);
}

constexpr auto rows = std::to_array<program_key>({
    {"standard_output", "StandardOutput", key_kind::stream, "log", allowed_outputs,
     "Where standard output goes: to the file of `log`; to systemd's journal or to syslog, line by line; "
     "nowhere; to a file that the program itself writes, from its beginning, at its end, or emptied at each "
     "start, and that is never rotated; inherit is a duplicate of standard input, and nowhere unless that is "
     "a file.",
     parse_output<&program_config::standard_output>, format_output<&program_config::standard_output>},
    {"standard_error", "StandardError", key_kind::stream, "inherit", allowed_outputs,
     "The same for standard error; inherit is where standard output goes.",
     parse_output<&program_config::standard_error>, format_output<&program_config::standard_error>},
    {"log", "", key_kind::log_settings, "", "a map, see below",
     "How the file of what goes to `log` is kept: its path, rotation, form and owner.", parse_log,
     format_log},
    {"on_log_error", "", key_kind::choice, "wait", "wait, drop",
     "What happens while the log cannot be written (the disk is full): output waits in the pipe, and the "
     "program when that is full; or it is dropped, and counted.",
     parse_choice<&program_config::on_log_error, log_error_action::wait, log_error_action::drop>,
     format_choice<&program_config::on_log_error>},
    {"syslog_identifier", "SyslogIdentifier", key_kind::text, "", "a text of one line, or nothing",
     "As whom the program speaks in the journal and in syslog. Without the key: its name.", parse_identifier,
     format_identifier},
    {"syslog_facility", "SyslogFacility", key_kind::text, "daemon", allowed_facilities,
     "The facility of its lines in the journal and in syslog.", parse_facility, format_facility},
    {"syslog_level", "SyslogLevel", key_kind::text, "info", allowed_levels,
     "The level of lines that do not say one themselves.", parse_level, format_level},
    {"syslog_level_prefix", "SyslogLevelPrefix", key_kind::boolean, "yes", "yes or no",
     "Whether `<3>` at the beginning of a line is its level, and is taken off.",
     parse_boolean<&program_config::syslog_level_prefix>,
     format_boolean<&program_config::syslog_level_prefix>},
});

} // namespace

std::span<const program_key> output_rows() { return rows; }

} // namespace procctl::keys
