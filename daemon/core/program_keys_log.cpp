// The keys within `log`: how the file of a program's output is kept.
#include "daemon/core/program_keys_unknown.h"
#include "daemon/core/program_keys_values.h"

#include <algorithm>
#include <array>

namespace procctl::keys {
namespace {

// A file that is rotated more often than it is looked at is no log.
constexpr std::uint64_t least_size = 4096;

template <auto Field>
void parse_log_path(program_config& program, const config_value& value, key_errors& errors)
{
    if (const std::string* const path = read_file_path(value, errors)) program.log.*Field = *path;
}

template <auto Field>
void parse_log_account(program_config& program, const config_value& value, key_errors& errors)
{
    if (const std::string* const name = read_account(value, errors)) program.log.*Field = *name;
}

template <auto Field> config_value format_log_text(const program_config& program)
{
    return (program.log.*Field).empty() ? config_value{} : config_value::scalar(program.log.*Field);
}

template <auto Field>
void parse_log_size(program_config& program, const config_value& value, key_errors& errors)
{
    const auto size = read_size(value, errors);
    if (!size) return;
    if (*size < least_size)
        return errors.report(value, "'" + value.text + "' is less than the least, " +
                                        format_size(least_size) + "; write infinity for no limit");
    program.log.*Field = *size;
}

template <auto Field> config_value format_log_size(const program_config& program)
{
    if (program.log.*Field == defaults().log.*Field) return {};
    return config_value::scalar(format_size(program.log.*Field));
}

template <auto Field, auto... Choices>
void parse_log_choice(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto read = read_choice(value, errors, std::array{Choices...})) program.log.*Field = *read;
}

template <auto Field> config_value format_log_choice(const program_config& program)
{
    if (program.log.*Field == defaults().log.*Field) return {};
    return config_value::scalar(std::string(to_text(program.log.*Field)));
}

void parse_keep(program_config& program, const config_value& value, key_errors& errors)
{
    if (const auto n = read_integer(value, errors, 0, 10000)) program.log.keep = static_cast<unsigned>(*n);
}

config_value format_keep(const program_config& program)
{
    if (program.log.keep == defaults().log.keep) return {};
    return config_value::scalar(std::to_string(program.log.keep));
}

void parse_max_age(program_config& program, const config_value& value, key_errors& errors)
{
    const auto age = read_duration(value, errors);
    if (!age) return;
    if (*age < std::chrono::seconds(1))
        return errors.report(value,
                             "'" + value.text + "' is less than the least, 1s; write infinity for no limit");
    program.log.max_age = *age;
}

config_value format_max_age(const program_config& program)
{
    if (program.log.max_age == defaults().log.max_age) return {};
    return config_value::scalar(format_duration(program.log.max_age));
}

void parse_mode(program_config& program, const config_value& value, key_errors& errors)
{
    const auto mode = read_permissions(value, errors);
    if (!mode) return;
    if ((*mode & 0200) == 0)
        return errors.report(value, "'" + value.text + "' does not let the owner write, who is to: write " +
                                        format_permissions(*mode | 0200));
    program.log.mode = *mode;
}

config_value format_mode(const program_config& program)
{
    if (program.log.mode == defaults().log.mode) return {};
    return config_value::scalar(format_permissions(program.log.mode));
}

void parse_tail_size(program_config& program, const config_value& value, key_errors& errors)
{
    const auto size = read_size(value, errors);
    if (!size) return;
    if (*size > log_settings::max_tail_size)
        return errors.report(value, "'" + value.text + "' is more than the most, " +
                                        format_size(log_settings::max_tail_size));
    program.log.tail_size = static_cast<unsigned>(*size);
}

config_value format_tail_size(const program_config& program)
{
    if (program.log.tail_size == defaults().log.tail_size) return {};
    return config_value::scalar(format_size(program.log.tail_size));
}

constexpr auto rows = std::to_array<program_key>({
    {"path", "", key_kind::path, "", "an absolute path, or nothing",
     "The file that output is appended to. Without the key: `<log_dir>/<instance name>.log`. A path that is "
     "no regular file (`/dev/stdout`, a FIFO) is written to, and never rotated.",
     parse_log_path<&log_settings::path>, format_log_text<&log_settings::path>},
    {"stderr_path", "", key_kind::path, "", "an absolute path, or nothing",
     "A file of its own for standard error, which then is `log`.", parse_log_path<&log_settings::stderr_path>,
     format_log_text<&log_settings::stderr_path>},
    {"max_size", "", key_kind::byte_size, "50M", "a size from 4K, or infinity",
     "A file that would pass it is rotated, at the end of a line where there is one.",
     parse_log_size<&log_settings::max_size>, format_log_size<&log_settings::max_size>},
    {"keep", "", key_kind::integer, "10", "0 to 10000",
     "How many rotated files are kept, besides the one that is written.", parse_keep, format_keep},
    {"max_total_size", "", key_kind::byte_size, "infinity", "a size from that of max_size, or infinity",
     "What the file and its rotated ones may take together: the oldest are removed first.",
     parse_log_size<&log_settings::max_total_size>, format_log_size<&log_settings::max_total_size>},
    {"max_age", "", key_kind::time_span, "infinity", "a time from 1s, or infinity",
     "A file that was begun so long ago is rotated.", parse_max_age, format_max_age},
    {"compress", "", key_kind::choice, "none", "none, gzip", "What becomes of rotated files.",
     parse_log_choice<&log_settings::compress, log_compression::none, log_compression::gzip>,
     format_log_choice<&log_settings::compress>},
    {"timestamps", "", key_kind::choice, "none", "none, iso, local",
     "A time before each line: in UTC, or in local time. With `format: json` lines have a time anyway, in "
     "UTC "
     "unless this is local.",
     parse_log_choice<&log_settings::timestamps, log_timestamps::none, log_timestamps::iso,
                      log_timestamps::local>,
     format_log_choice<&log_settings::timestamps>},
    {"format", "", key_kind::choice, "raw", "raw, json",
     "raw: bytes as they are. json: each line is an object with program, instance, stream, time, pid and "
     "message; standard output and error then have a pipe each, and only the order within one of them is "
     "kept.",
     parse_log_choice<&log_settings::format, log_format::raw, log_format::json>,
     format_log_choice<&log_settings::format>},
    {"mode", "", key_kind::text, "0640", "octal, 0000 to 0777, with 0200", "The permissions of the files.",
     parse_mode, format_mode},
    {"user", "", key_kind::text, "", "the name or number of an account, or nothing",
     "Who owns the files. Without the key: the daemon's account.", parse_log_account<&log_settings::user>,
     format_log_text<&log_settings::user>},
    {"group", "", key_kind::text, "", "the name or number of a group, or nothing",
     "The files' group. Without the key: that of `user` here, else the daemon's.",
     parse_log_account<&log_settings::group>, format_log_text<&log_settings::group>},
    {"tail_size", "", key_kind::byte_size, "4K", "a size to 64K",
     "How much of the last output of a run is kept with its result, for `status` and `why`.", parse_tail_size,
     format_tail_size},
});

// What the keys are called elsewhere: by logrotate, Supervisor and others.
constexpr auto foreign_names = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"file", "path"},
    {"filename", "path"},
    {"stderr", "stderr_path"},
    {"size", "max_size"},
    {"maxsize", "max_size"},
    {"max_bytes", "max_size"},
    {"maxbytes", "max_size"},
    {"rotate", "keep"},
    {"backups", "keep"},
    {"max_file", "keep"},
    {"max_files", "keep"},
    {"total_size", "max_total_size"},
    {"daily", "max_age"},
    {"weekly", "max_age"},
    {"monthly", "max_age"},
    {"compression", "compress"},
    {"timestamp", "timestamps"},
    {"time", "timestamps"},
    {"permissions", "mode"},
    {"create", "mode"},
    {"owner", "user"},
    {"tail", "tail_size"},
});

std::string explain_unknown(std::string_view key)
{
    const std::string unknown = "unknown key '" + std::string(key) + "'";
    std::vector<std::string_view> names;
    std::string allowed;
    for (const program_key& row : rows) {
        if (is_same_spelling(key, row.name)) return unknown + ": write '" + std::string(row.name) + "'";
        names.push_back(row.name);
        (allowed += allowed.empty() ? "" : ", ") += row.name;
    }
    std::string_view meant;
    for (const auto& [foreign, ours] : foreign_names)
        if (is_same_spelling(key, foreign)) meant = ours;
    if (meant.empty()) meant = nearest(key, names);
    return unknown +
           (meant.empty() ? "; allowed are " + allowed : ": did you mean '" + std::string(meant) + "'?");
}

} // namespace

void parse_log(program_config& program, const config_value& value, key_errors& errors)
{
    if (value.type == config_value::kind::null) return;
    if (value.type != config_value::kind::map)
        return errors.report(value, "expected a map, found " + describe(value) + ": write log: {path: …}");
    for (const auto& [key, content] : value.entries) {
        const auto row = std::ranges::find(rows, key.text, &program_key::name);
        if (row == rows.end()) {
            errors.report(key, explain_unknown(key.text));
            continue;
        }
        errors.set_key("log." + std::string(row->name));
        row->parse(program, content, errors);
        errors.set_key("log");
    }
}

config_value format_log(const program_config& program)
{
    config_value map;
    map.type = config_value::kind::map;
    for (const program_key& row : rows)
        if (config_value value = row.format(program); value.type != config_value::kind::null)
            map.entries.emplace_back(config_value::scalar(std::string(row.name)), std::move(value));
    return map.entries.empty() ? config_value{} : map;
}

} // namespace procctl::keys

namespace procctl {

std::span<const program_key> log_keys() { return keys::rows; }

} // namespace procctl
