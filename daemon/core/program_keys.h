// The one table of a program's keys. It drives the loader, the canonical form, `procctl show`, the JSON
// Schema and the reference in the docs, so that none of them can know a key that another does not.
//
// To add a key: a field in program_config, a row here, its tests; nothing else.
#pragma once

#include "daemon/core/config_value.h"
#include "daemon/core/program_config.h"

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace procctl {

// What a key's value looks like, for the schema and the docs; the row's parse function is the judge.
enum class key_kind {
    text,
    boolean,
    integer,
    time_span,
    byte_size,
    signal_number,
    exit_statuses,
    command_line,
    command_lines,
    text_list,
    text_map,
    choice,
    path,
    limit,
    stream, // what standard input, output or error is: words, and PATH behind one, as `allowed` lists them
    log_settings
};

// Where a parse function reports what is wrong with the value it was given; it may report several things.
class key_errors {
public:
    key_errors(diagnostics& out, std::string file) : out_(out), file_(std::move(file)) {}
    // The key that the next reports are about: they begin with its name.
    void set_key(std::string_view name) { key_ = name; }
    void report(const config_value& where, std::string message, severity level = severity::error);
    [[nodiscard]] bool any() const { return any_; }

private:
    diagnostics& out_;
    std::string file_;
    std::string key_;
    bool any_ = false;
};

struct program_key {
    std::string_view name;      // "restart_sec"
    std::string_view directive; // systemd's spelling, "RestartSec"; empty for keys that are ours alone
    key_kind kind;
    std::string_view default_text; // for the docs: "100ms"; empty when there is none
    // In words or as a list: "no, always, on-success, …", "-20 to 19". With ", or nothing" at the end an
    // empty value is as if the key were not given.
    std::string_view allowed;
    std::string_view doc; // whole sentences
    void (*parse)(program_config&, const config_value&, key_errors&);
    // The canonical value; null when it equals the default.
    config_value (*format)(const program_config&);
};

[[nodiscard]] std::span<const program_key> program_keys();
[[nodiscard]] const program_key* find_program_key(std::string_view name);
// The keys within the map `log`, as rows of the same form; each sets its field of program_config::log.
[[nodiscard]] std::span<const program_key> log_keys();

// Makes a program of a map of keys. Every mistake is reported, with its position in `file`: unknown keys
// (with a suggestion, also for systemd's and Supervisor's spellings, and a clear refusal of systemd
// directives this version does not have), values, and contradictions between keys (validate below). Answers
// what could be understood.
[[nodiscard]] program_config parse_program(std::string_view name, const config_value& keys,
                                           const std::string& file, diagnostics& out);

// Reports what is wrong with one key and its value alone, which are not yet part of a program; false when
// something is.
[[nodiscard]] bool check_program_key(const config_value& key, const config_value& value,
                                     const std::string& file, diagnostics& out);

// Contradictions between keys, as systemd's service_verify() refuses them or warns of them, and keys that
// have no effect together with others. `keys` gives positions; it may be a null value.
void validate(const program_config&, const config_value& keys, const std::string& file, diagnostics& out);

// The canonical form: a map of every key that differs from its default. parse_program of it gives an equal
// value.
[[nodiscard]] config_value format_program(const program_config&);

} // namespace procctl
