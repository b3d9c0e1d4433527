// The keys that say what a program's standard input is.
#include "daemon/core/base64.h"
#include "daemon/core/escapes.h"
#include "daemon/core/program_keys_values.h"
#include "daemon/core/specifiers.h"
#include "daemon/core/utf8.h"

#include <array>

namespace procctl::keys {
namespace {

constexpr std::size_t max_data = std::size_t{1} << 20U;

// systemd's other values, and what else people write.
constexpr auto refused_inputs = std::to_array<refused_word>({
    {"tty", "no program is given a terminal; file:/dev/ttyN reads from one"},
    {"tty-force", "no program is given a terminal; file:/dev/ttyN reads from one"},
    {"tty-fail", "no program is given a terminal; file:/dev/ttyN reads from one"},
    {"socket", "listening sockets are not supported by this version of procctl"},
    {"fd", "no descriptors are passed in; a FIFO can be named: file:PATH"},
    {"fd:", "no descriptors are passed in; a FIFO can be named: file:PATH"},
    {"inherit", "nothing comes in through the daemon; write null"},
    {"none", "write null"},
    {"/dev/null", "write null"},
    {"/", "write file: before the path"},
    {"-", "write null, or standard_input_text for a text"},
});

void parse_standard_input(program_config& program, const config_value& value, key_errors& errors)
{
    const std::string* const text = read_text_or_null(value, errors);
    if (text == nullptr) return;
    if (*text == to_text(input_kind::null)) {
        program.standard_input = {input_kind::null, {}};
    } else if (*text == to_text(input_kind::data)) {
        program.standard_input = {input_kind::data, {}};
    } else if (text->starts_with("file:")) {
        const std::string path = text->substr(5);
        if (check_opened_path(value, "file:", path, errors))
            program.standard_input = {input_kind::file, path};
    } else {
        report_word(value, *text, refused_inputs, "null, file:PATH, data", errors);
    }
}

config_value format_standard_input(const program_config& program)
{
    if (program.standard_input == defaults().standard_input) return {};
    std::string text(to_text(program.standard_input.kind));
    if (program.standard_input.kind == input_kind::file) text += ':' + program.standard_input.path;
    return config_value::scalar(std::move(text));
}

void append_data(program_config& program, const config_value& value, const std::string& added,
                 key_errors& errors)
{
    if (program.standard_input_data.size() + added.size() > max_data)
        return errors.report(value, "more than 1M for standard input: write it into a file, and "
                                    "standard_input: file:PATH");
    program.standard_input_data += added;
}

void parse_standard_input_text(program_config& program, const config_value& value, key_errors& errors)
{
    if (is_empty(value)) return;
    std::string added;
    for (const config_value* const item : read_items(value, errors)) {
        const auto text = unescape(item->text, nul_bytes::allowed);
        if (!text) return errors.report(*item, text.error().message());
        if (auto checked = check_specifiers(*text); !checked)
            return errors.report(*item, checked.error().message());
        added += *text;
        if (!item->text.ends_with('\n')) added += '\n'; // a block of YAML has its own
    }
    append_data(program, value, added, errors);
}

void parse_standard_input_data(program_config& program, const config_value& value, key_errors& errors)
{
    std::string added;
    for (const config_value* const item : read_items(value, errors)) {
        const auto bytes = from_base64(item->text);
        if (!bytes) return errors.report(*item, bytes.error().message());
        for (const char c : *bytes)
            added.append(c == '%' ? 2 : 1, c); // specifiers are a matter of texts
    }
    append_data(program, value, added, errors);
}

// Where the part begins that only standard_input_data can say: text always ends with a newline.
std::size_t end_of_text(const program_config& program)
{
    const auto newline = program.standard_input_data.rfind('\n');
    return newline == std::string::npos ? 0 : newline + 1;
}

config_value format_standard_input_text(const program_config& program)
{
    const std::size_t size = end_of_text(program);
    if (size == 0) return {};
    return config_value::scalar(escape(std::string_view(program.standard_input_data).substr(0, size)));
}

config_value format_standard_input_data(const program_config& program)
{
    const std::string_view data = std::string_view(program.standard_input_data).substr(end_of_text(program));
    if (data.empty()) return {};
    std::string bytes;
    for (std::size_t at = 0; at < data.size(); ++at) {
        bytes += data[at];
        if (data[at] == '%') ++at; // it is doubled
    }
    return config_value::scalar(to_base64(bytes));
}

constexpr auto rows = std::to_array<program_key>({
    {"standard_input", "StandardInput", key_kind::stream, "null", "null, file:PATH, data",
     "What the program reads from: nothing, a file (or a FIFO, or a device), or what "
     "`standard_input_text` and `standard_input_data` say; with one of these two data is the default. A "
     "`file:PATH` that is also the one of `standard_output` or `standard_error` is opened once, for reading "
     "and writing.",
     parse_standard_input, format_standard_input},
    {"standard_input_text", "StandardInputText", key_kind::text_list, "", "a text, or a list of texts",
     "Standard input, as text with the escapes of unit files (`\\n`, `\\t`, `\\x41` …) and specifiers. Each "
     "text ends with a newline: one is added where it is missing.",
     parse_standard_input_text, format_standard_input_text},
    {"standard_input_data", "StandardInputData", key_kind::text_list, "", "base64, or a list of it",
     "Standard input, as base64, for any bytes. It stands after, or before, `standard_input_text` as the two "
     "keys do in the file.",
     parse_standard_input_data, format_standard_input_data},
});

} // namespace

std::span<const program_key> input_rows() { return rows; }

} // namespace procctl::keys
