// What the rows of program_keys share: reading and writing the values that several keys have in common.
//
// Every function reports what is wrong with a value through key_errors and then changes nothing.
#pragma once

#include "common/signal_name.h"
#include "daemon/core/program_keys.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace procctl::keys {

// The tables of rows, by theme; program_keys.cpp puts them together.
[[nodiscard]] std::span<const program_key> command_rows();
[[nodiscard]] std::span<const program_key> start_rows();
[[nodiscard]] std::span<const program_key> identity_rows();
[[nodiscard]] std::span<const program_key> restart_rows();
[[nodiscard]] std::span<const program_key> timeout_rows();
[[nodiscard]] std::span<const program_key> notify_rows();
[[nodiscard]] std::span<const program_key> stop_rows();
[[nodiscard]] std::span<const program_key> end_rows();
[[nodiscard]] std::span<const program_key> limit_rows();
[[nodiscard]] std::span<const program_key> input_rows();
[[nodiscard]] std::span<const program_key> output_rows();

// The key `log`: a map of log_keys().
void parse_log(program_config&, const config_value&, key_errors&);
[[nodiscard]] config_value format_log(const program_config&);

// The defaults that depend on the type.
[[nodiscard]] restart_mode default_restart(service_type);
[[nodiscard]] duration default_timeout_start(service_type);

// What keys that are given imply for those that are not, and, each with a warning, what systemd takes
// otherwise than it is written: a restart_sec above restart_max_delay_sec, a program that is to start itself.
void adjust(program_config&, const config_value& given, const std::string& file, diagnostics& out);

// "a list", "'abc'": for "found …".
[[nodiscard]] std::string describe(const config_value&);

// The text of a scalar; reports any other kind. Where an empty value has no meaning, "" is reported as well.
[[nodiscard]] const std::string* read_text(const config_value&, key_errors&);
[[nodiscard]] const std::string* read_filled_text(const config_value&, key_errors&);
// The same for a key that has the value "null", which YAML takes for no value at all. An empty one is
// reported.
[[nodiscard]] const std::string* read_text_or_null(const config_value&, key_errors&);
// null and "" mean "as if the key were not given", systemd's empty assignment.
[[nodiscard]] bool is_empty(const config_value&);

[[nodiscard]] std::optional<bool> read_boolean(const config_value&, key_errors&);
[[nodiscard]] std::optional<std::int64_t> read_integer(const config_value&, key_errors&, std::int64_t least,
                                                       std::int64_t most);
[[nodiscard]] std::optional<duration> read_duration(const config_value&, key_errors&);
[[nodiscard]] std::optional<std::uint64_t> read_size(const config_value&, key_errors&);
// Permissions: octal, 0000 to 0777.
[[nodiscard]] std::optional<unsigned> read_permissions(const config_value&, key_errors&);
[[nodiscard]] std::string format_permissions(unsigned);
// What is wrong with the name or number of an account, "" when nothing is; whether it exists is looked up
// later.
[[nodiscard]] std::string wrong_account_name(std::string_view name);
// The name or number of an account; "" means none.
[[nodiscard]] const std::string* read_account(const config_value&, key_errors&);
// An absolute path of a file, with specifiers, or "".
[[nodiscard]] const std::string* read_file_path(const config_value&, key_errors&);
[[nodiscard]] std::optional<int> read_signal(const config_value&, key_errors&);
// Whether a path is absolute, or begins with a specifier that stands for an absolute one: %t %S %L %h.
[[nodiscard]] bool is_absolute_path(std::string_view path);
// A value of another program's, or of a kind that is not to be had, and what to write instead.
struct refused_word {
    std::string_view word; // "fd:" is any that begins so, "/" any path
    std::string_view remedy;
};
// Reports a word that is none of those allowed.
void report_word(const config_value& where, std::string_view text, std::span<const refused_word>,
                 std::string_view allowed, key_errors&);
// Whether a path is one to open for a process, behind "file:" and the like. Reports what is wrong with it.
[[nodiscard]] bool check_opened_path(const config_value& where, std::string_view prefix,
                                     std::string_view path, key_errors&);
// Reports a path that is not, and unknown specifiers.
[[nodiscard]] bool check_path(const config_value& where, std::string_view path, key_errors&);
// The items of a list, or the one scalar: each with its position. Reports items that are no scalars.
[[nodiscard]] std::vector<const config_value*> read_items(const config_value&, key_errors&);
// Words: those of a scalar's text, or the items of a list.
[[nodiscard]] std::optional<std::vector<std::string>> read_words(const config_value&, key_errors&);

template <class Enum, std::size_t N>
[[nodiscard]] std::optional<Enum> read_choice(const config_value& value, key_errors& errors,
                                              const std::array<Enum, N>& choices)
{
    const std::string* const text = read_filled_text(value, errors);
    if (text == nullptr) return std::nullopt;
    std::string allowed;
    for (const Enum choice : choices) {
        if (to_text(choice) == *text) return choice;
        if (!allowed.empty()) allowed += ", ";
        allowed += to_text(choice);
    }
    errors.report(value, "unknown value '" + *text + "'; allowed are " + allowed);
    return std::nullopt;
}

[[nodiscard]] inline config_value yes_or_no(bool value) { return config_value::scalar(value ? "yes" : "no"); }

[[nodiscard]] inline const program_config& defaults()
{
    static const program_config value;
    return value;
}

// Rows whose field is one value need only the field.
template <auto Field>
void parse_boolean(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto read = read_boolean(value, errors)) program.*Field = *read;
}
template <auto Field> config_value format_boolean(const program_config& program)
{
    return program.*Field == defaults().*Field ? config_value{} : yes_or_no(program.*Field);
}

template <auto Field>
void parse_duration_key(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto read = read_duration(value, errors)) program.*Field = *read;
}
template <auto Field> config_value format_duration_key(const program_config& program)
{
    if (program.*Field == defaults().*Field) return {};
    return config_value::scalar(format_duration(program.*Field));
}

template <auto Field, auto... Choices>
void parse_choice(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto read = read_choice(value, errors, std::array{Choices...})) program.*Field = *read;
}
template <auto Field> config_value format_choice(const program_config& program)
{
    if (program.*Field == defaults().*Field) return {};
    return config_value::scalar(std::string(to_text(program.*Field)));
}

template <auto Field>
void parse_signal_key(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto signal = read_signal(value, errors)) program.*Field = *signal;
}
template <auto Field> config_value format_signal_key(const program_config& program)
{
    if (program.*Field == defaults().*Field) return {};
    return config_value::scalar(signal_name(program.*Field));
}

template <auto Field, std::int64_t Least, std::int64_t Most>
void parse_number(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto n = read_integer(value, errors, Least, Most)) program.*Field = static_cast<unsigned>(*n);
}
template <auto Field> config_value format_number(const program_config& program)
{
    if (program.*Field == defaults().*Field) return {};
    return config_value::scalar(std::to_string(program.*Field));
}

// For a field that may be absent.
template <auto Field, int Least, int Most>
void parse_optional_integer(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto n = read_integer(value, errors, Least, Most)) program.*Field = static_cast<int>(*n);
}
template <auto Field> config_value format_optional_integer(const program_config& program)
{
    return program.*Field ? config_value::scalar(std::to_string(*(program.*Field))) : config_value{};
}

template <auto Field> void parse_words(program_config& program, const config_value& value, key_errors& errors)
{
    if (auto read = read_words(value, errors)) program.*Field = std::move(*read);
}
template <auto Field> config_value format_words(const program_config& program)
{
    return (program.*Field).empty() ? config_value{} : config_value::list(program.*Field);
}

} // namespace procctl::keys
