// The keys that say as whom and in which surroundings a program runs.
#include "daemon/core/command_line.h"
#include "daemon/core/environment_file.h"
#include "daemon/core/program_keys_values.h"
#include "daemon/core/specifiers.h"

#include <algorithm>
#include <array>

namespace procctl::keys {
namespace {

template <auto Field>
void parse_account(program_config& program, const config_value& value, key_errors& errors)
{
    if (const std::string* const name = read_account(value, errors)) program.*Field = *name;
}

template <auto Field> config_value format_account(const program_config& program)
{
    return (program.*Field).empty() ? config_value{} : config_value::scalar(program.*Field);
}

void parse_supplementary_groups(program_config& program, const config_value& value, key_errors& errors)
{
    auto groups = read_words(value, errors);
    if (!groups) return;
    for (const std::string& group : *groups)
        if (const std::string wrong = wrong_account_name(group); !wrong.empty())
            return errors.report(value, wrong);
    program.supplementary_groups = std::move(*groups);
}

void parse_working_directory(program_config& program, const config_value& value, key_errors& errors)
{
    const std::string* const text = read_text(value, errors);
    if (text == nullptr) return;
    std::string_view path = *text;
    const bool optional = path.starts_with('-');
    if (optional) path.remove_prefix(1);
    if (optional && path.empty()) return errors.report(value, "no path follows the prefix '-'");
    if (!path.empty() && path != "~" && !check_path(value, path, errors)) return;
    program.working_directory = path;
    program.working_directory_optional = optional;
}

config_value format_working_directory(const program_config& program)
{
    if (program.working_directory.empty()) return {};
    return config_value::scalar((program.working_directory_optional ? "-" : "") + program.working_directory);
}

void parse_umask(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto mask = read_permissions(value, errors)) program.umask = *mask;
}

config_value format_umask(const program_config& program)
{
    if (program.umask == defaults().umask) return {};
    return config_value::scalar(format_permissions(program.umask));
}

void set_variable(environment& variables, std::string name, std::string value)
{
    const auto found = std::ranges::find(variables, name, &environment::value_type::first);
    if (found != variables.end())
        found->second = std::move(value);
    else
        variables.emplace_back(std::move(name), std::move(value));
}

// One variable, from either form.
void add_variable(environment& variables, const config_value& where, std::string_view name,
                  std::string_view value, key_errors& errors)
{
    if (!is_variable_name(name))
        return errors.report(where, "'" + std::string(name) +
                                        "' cannot be the name of a variable: letters, digits and '_', and no "
                                        "digit first");
    if (auto checked = check_specifiers(value); !checked)
        return errors.report(where, checked.error().message());
    set_variable(variables, std::string(name), std::string(value));
}

void add_assignment(environment& variables, const config_value& where, std::string_view text,
                    key_errors& errors)
{
    const auto equals = text.find('=');
    if (equals == std::string_view::npos)
        return errors.report(where, "'" + std::string(text) + "' is not an assignment: write NAME=value");
    add_variable(variables, where, text.substr(0, equals), text.substr(equals + 1), errors);
}

// Whether the text has Supervisor's form, A="1",B="2": a comma outside of quotes, and behind it NAME=. Taken
// as a unit file's it would be one variable with all of the text.
bool separates_by_commas(std::string_view text)
{
    char quote = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '\\') {
            ++at;
        } else if (quote != 0) {
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == ',') {
            std::string_view next = text.substr(at + 1);
            next.remove_prefix(std::min(next.find_first_not_of(" \t\r\n"), next.size()));
            const auto end = next.find_first_of("=, \t\r\n"); // no further: the text may be all commas
            if (end != std::string_view::npos && next[end] == '=' && is_variable_name(next.substr(0, end)))
                return true;
        }
    }
    return false;
}

void parse_environment(program_config& program, const config_value& value, key_errors& errors)
{
    environment variables;
    if (value.type == config_value::kind::map) {
        for (const auto& [name, content] : value.entries) {
            if (content.type == config_value::kind::scalar)
                add_variable(variables, content, name.text, content.text, errors);
            else if (content.type == config_value::kind::null)
                errors.report(name, "'" + name.text + "' has no value: write '' for an empty one");
            else
                errors.report(content,
                              "expected a value for '" + name.text + "', found " + describe(content));
        }
    } else if (value.type == config_value::kind::scalar) {
        const auto words = split_words(value.text); // as in a unit file: A=1 "B=two words"
        if (!words) return errors.report(value, words.error().message());
        if (separates_by_commas(value.text))
            return errors.report(value, "Supervisor's commas: write a map, {A: 1, B: 2}");
        for (const std::string& word : *words)
            add_assignment(variables, value, word, errors);
    } else {
        for (const config_value* const item : read_items(value, errors)) {
            if (item->text.empty())
                variables.clear();
            else
                add_assignment(variables, *item, item->text, errors);
        }
    }
    program.environment = std::move(variables);
}

config_value format_environment(const program_config& program)
{
    if (program.environment.empty()) return {};
    config_value map;
    map.type = config_value::kind::map;
    for (const auto& [name, value] : program.environment)
        map.entries.emplace_back(config_value::scalar(name), config_value::scalar(value));
    return map;
}

void parse_environment_file(program_config& program, const config_value& value, key_errors& errors)
{
    std::vector<environment_file> files;
    for (const config_value* const item : read_items(value, errors)) {
        std::string_view path = item->text;
        if (path.empty()) { // systemd's empty assignment
            files.clear();
            continue;
        }
        const bool optional = path.starts_with('-');
        if (optional) path.remove_prefix(1);
        if (!check_path(*item, path, errors)) continue;
        if (path.find_first_of("*?[") != std::string_view::npos)
            errors.report(*item,
                          "'" + std::string(path) +
                              "': patterns are not supported by this version of procctl, name each file");
        else
            files.push_back({std::string(path), optional});
    }
    program.environment_files = std::move(files);
}

config_value format_environment_file(const program_config& program)
{
    if (program.environment_files.empty()) return {};
    std::vector<std::string> files;
    for (const environment_file& file : program.environment_files)
        files.push_back((file.optional ? "-" : "") + file.path);
    return config_value::list(std::move(files));
}

constexpr auto rows = std::to_array<program_key>({
    {"user", "User", key_kind::text, "", "the name or number of an account",
     "Who the program runs as. Without the key: as the daemon. HOME, USER, LOGNAME and SHELL are set to "
     "match.",
     parse_account<&program_config::user>, format_account<&program_config::user>},
    {"group", "Group", key_kind::text, "", "the name or number of a group",
     "The group it runs as. Without the key: the group of `user`.", parse_account<&program_config::group>,
     format_account<&program_config::group>},
    {"supplementary_groups", "SupplementaryGroups", key_kind::text_list, "", "a list of groups",
     "Further groups, besides those of `user`.", parse_supplementary_groups,
     format_words<&program_config::supplementary_groups>},
    {"working_directory", "WorkingDirectory", key_kind::path, "", "an absolute path or ~",
     "Where the program starts; `~` is the home of `user`. With the prefix `-` a missing folder is no error. "
     "Without the key: `/` for the system's daemon, the account's home folder for `procctld --user`.",
     parse_working_directory, format_working_directory},
    {"umask", "UMask", key_kind::text, "0022", "octal, 0000 to 0777",
     "Which permissions new files do not get.", parse_umask, format_umask},
    {"environment", "Environment", key_kind::text_map, "",
     "a map, a list of NAME=value, or a text of NAME=value apart by blanks",
     "Variables for the program, besides PATH and those of `user`. Values are taken as they are written: "
     "`yes` is the text yes. In a text, quotes group as in a unit file: `A=1 'B=two words'`; commas do not "
     "separate.",
     parse_environment, format_environment},
    {"environment_file", "EnvironmentFile", key_kind::text_list, "", "an absolute path, or a list of them",
     "Files with NAME=value lines, read at each start; they override `environment`. With the prefix `-` a "
     "missing file is no error.",
     parse_environment_file, format_environment_file},
    {"nice", "Nice", key_kind::integer, "", "-20 to 19",
     "The nice level; the higher, the less CPU time it gets.",
     parse_optional_integer<&program_config::nice, -20, 19>, format_optional_integer<&program_config::nice>},
    {"oom_score_adjust", "OOMScoreAdjust", key_kind::integer, "", "-1000 to 1000",
     "How readily the kernel kills the program when memory runs out: -1000 never, 1000 first.",
     parse_optional_integer<&program_config::oom_score_adjust, -1000, 1000>,
     format_optional_integer<&program_config::oom_score_adjust>},
    {"ignore_sigpipe", "IgnoreSIGPIPE", key_kind::boolean, "yes", "yes or no",
     "Whether SIGPIPE is ignored in the program.", parse_boolean<&program_config::ignore_sigpipe>,
     format_boolean<&program_config::ignore_sigpipe>},
});

} // namespace

std::span<const program_key> identity_rows() { return rows; }

} // namespace procctl::keys
