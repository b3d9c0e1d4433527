// The keys that say what must be so for a start, and how the main process of a forking program is found.
#include "daemon/core/program_keys_values.h"
#include "daemon/core/specifiers.h"

#include <array>

namespace procctl::keys {
namespace {

// "|!/path": the trigger stands before the negation, and no blank anywhere, as in systemd.
std::optional<path_condition> read_condition(const config_value& item, key_errors& errors)
{
    path_condition condition;
    std::string_view rest = item.text;
    condition.is_trigger = rest.starts_with('|');
    if (condition.is_trigger) rest.remove_prefix(1);
    condition.is_negated = rest.starts_with('!');
    if (condition.is_negated) rest.remove_prefix(1);
    if (rest.starts_with('|') || rest.starts_with('!') || rest.empty()) {
        errors.report(item, "'" + item.text + "': a path stands behind the prefix '|', '!' or '|!'");
        return std::nullopt;
    }
    if (!check_path(item, rest, errors)) return std::nullopt;
    condition.path = rest;
    return condition;
}

template <auto Field>
void parse_conditions(program_config& program, const config_value& value, key_errors& errors)
{
    std::vector<path_condition> conditions;
    for (const config_value* const item : read_items(value, errors)) {
        if (item->text.empty()) // systemd's empty assignment
            conditions.clear();
        else if (auto condition = read_condition(*item, errors))
            conditions.push_back(std::move(*condition));
    }
    program.*Field = std::move(conditions);
}

template <auto Field> config_value format_conditions(const program_config& program)
{
    std::vector<std::string> texts;
    for (const path_condition& c : program.*Field)
        texts.push_back((c.is_trigger ? "|" : "") + std::string(c.is_negated ? "!" : "") + c.path);
    return texts.empty() ? config_value{} : config_value::list(std::move(texts));
}

void parse_pid_file(program_config& program, const config_value& value, key_errors& errors)
{
    const std::string* const text = read_text(value, errors);
    if (text == nullptr) return;
    if (auto checked = check_specifiers(*text); !checked)
        return errors.report(value, checked.error().message());
    if (text->ends_with('/')) return errors.report(value, "'" + *text + "' is a folder: name a file in it");
    program.pid_file = text->empty() || is_absolute_path(*text) ? *text : "%t/" + *text;
}

config_value format_pid_file(const program_config& program)
{
    return program.pid_file.empty() ? config_value{} : config_value::scalar(program.pid_file);
}

constexpr std::string_view conditions = "an absolute path, or a list of them; prefixes !, | and |!";

constexpr auto rows = std::to_array<program_key>({
    {"condition_path_exists", "ConditionPathExists", key_kind::text_list, "", conditions,
     "Paths that must exist, looked at before each start; otherwise the start is skipped, which is no "
     "failure. `!`: it must not exist. `|`: of the paths with this prefix one is enough.",
     parse_conditions<&program_config::condition_path_exists>,
     format_conditions<&program_config::condition_path_exists>},
    {"assert_path_exists", "AssertPathExists", key_kind::text_list, "", conditions,
     "The same, but where it does not hold the start that was asked for fails.",
     parse_conditions<&program_config::assert_path_exists>,
     format_conditions<&program_config::assert_path_exists>},
    {"pid_file", "PIDFile", key_kind::path, "", "a path; a relative one is below the runtime folder, %t",
     "The file in which a program of type `forking` writes the number of its main process.", parse_pid_file,
     format_pid_file},
    {"guess_main_pid", "GuessMainPID", key_kind::boolean, "yes", "yes or no",
     "Whether the main process of a program of type `forking` without `pid_file` is guessed, which works "
     "when it leaves one process behind. Where it is not known, the program runs as long as any process of "
     "it does, and how it ended is not seen.",
     parse_boolean<&program_config::guess_main_pid>, format_boolean<&program_config::guess_main_pid>},
});

} // namespace

std::span<const program_key> start_rows() { return rows; }

} // namespace procctl::keys
