// What is wrong with the keys of a program's output and input together, though each is right alone.
#include "daemon/core/program_keys_report.h"
#include "daemon/core/program_keys_values.h"

#include <array>

namespace procctl::keys {
namespace {

bool goes_to(const program_config& program, output_kind kind)
{
    return program.standard_output.kind == kind || program.standard_error.kind == kind;
}

bool goes_to_message_sink(const program_config& program)
{
    return goes_to(program, output_kind::journal) || goes_to(program, output_kind::syslog);
}

std::string quoted(output_kind kind) { return "'" + std::string(to_text(kind)) + "'"; }

// The keys of log, by name, whose value is not the default.
template <class Predicate>
std::vector<std::string> changed_log_keys(const program_config& program, Predicate counts)
{
    std::vector<std::string> names;
    for (const program_key& row : log_keys())
        if (counts(row.name) && row.format(program).type != config_value::kind::null)
            names.push_back("log." + std::string(row.name));
    return names;
}

// No disk is behind it, but for /dev/shm.
bool is_device(std::string_view path) { return path.starts_with("/dev/") && !path.starts_with("/dev/shm/"); }

void check_log_paths(const program_config& program, reporter& report)
{
    const log_settings& log = program.log;
    if (!log.stderr_path.empty() && program.standard_error.kind != output_kind::log)
        report.refuse("log.stderr_path", "log.stderr_path is for 'standard_error: log', this is " +
                                             quoted(program.standard_error.kind) +
                                             ": leave standard_error out, or stderr_path");
    if (!goes_to(program, output_kind::log)) {
        for (const std::string& key : changed_log_keys(
                 program, [](std::string_view name) { return name != "tail_size" && name != "stderr_path"; }))
            report.warn(key, key + " has no effect: neither standard_output nor standard_error is log");
        return;
    }
    if (!log.path.empty() && program.standard_output.kind != output_kind::log && !log.stderr_path.empty())
        report.warn("log.path", "log.path has no effect: standard_output is " +
                                    quoted(program.standard_output.kind) +
                                    " and standard_error has log.stderr_path");
    if (!is_device(log.path) || (!log.stderr_path.empty() && !is_device(log.stderr_path))) return;
    const auto is_of_files = [](std::string_view name) {
        return name == "max_size" || name == "keep" || name == "max_total_size" || name == "max_age" ||
               name == "compress" || name == "mode" || name == "user" || name == "group";
    };
    for (const std::string& key : changed_log_keys(program, is_of_files))
        report.warn(key, key + " has no effect: '" + log.path + "' is no regular file, and is never rotated");
}

void check_log_limits(const program_config& program, reporter& report)
{
    const log_settings& log = program.log;
    if (log.max_total_size < log.max_size)
        report.refuse("log.max_total_size", "log.max_total_size: " + format_size(log.max_total_size) +
                                                " for all files is less than max_size, " +
                                                format_size(log.max_size) +
                                                ", for the one that is written: lower max_size too");
    if (log.compress != log_compression::none && log.keep == 0)
        report.warn("log.compress", "log.compress has no effect with 'keep: 0': no rotated file is kept");
    if (log.timestamps == log_timestamps::iso && log.format == log_format::json)
        report.warn(
            "log.timestamps",
            "log.timestamps: 'iso' has no effect with 'format: json', whose lines have the time in UTC "
            "anyway; local changes that");
}

void check_outputs(const program_config& program, reporter& report)
{
    const output_choice& out = program.standard_output;
    const output_choice& err = program.standard_error;
    if (out.kind == output_kind::inherit && program.standard_input.kind != input_kind::file)
        report.warn("standard_output",
                    "standard_output: 'inherit' is a duplicate of standard input, which is '" +
                        std::string(to_text(program.standard_input.kind)) +
                        "': output goes nowhere; write log to see it, null if that is meant");
    if (!out.path.empty() && out.path == err.path && out.kind != err.kind)
        report.refuse("standard_error", "standard_error: '" + err.path +
                                            "' is opened for standard_output as well, in another way: write "
                                            "inherit for the same file");
    const bool has_pipe = goes_to(program, output_kind::log) || goes_to_message_sink(program);
    if (program.on_log_error != defaults().on_log_error && !has_pipe)
        report.warn("on_log_error", "on_log_error has no effect: no output goes to log, journal or syslog");
    if (goes_to_message_sink(program)) return;
    const auto warn = [&](const char* key, bool is_set) {
        if (is_set)
            report.warn(key, std::string(key) + " has no effect: no output goes to journal or syslog");
    };
    warn("syslog_identifier", !program.syslog_identifier.empty());
    warn("syslog_facility", program.syslog_facility != defaults().syslog_facility);
    warn("syslog_level", program.syslog_level != defaults().syslog_level);
    warn("syslog_level_prefix", program.syslog_level_prefix != defaults().syslog_level_prefix);
}

// A file that every instance empties, or writes from its beginning, holds the output of none.
void check_shared_files(const program_config& program, reporter& report)
{
    const auto check = [&](const std::string& key, const output_choice& choice) {
        if (!is_shared_by_instances(program, choice.path)) return;
        const std::string shared = key + ": '" + choice.path + "' is the file of all instances, and each ";
        const std::string remedy = "; with %i in the path each has its own";
        if (choice.kind == output_kind::truncate)
            report.refuse(key, shared + "empties it at its start" + remedy);
        else if (choice.kind == output_kind::file && !is_device(choice.path))
            report.warn(key, shared + "writes it from its beginning" + remedy);
    };
    check("standard_output", program.standard_output);
    check("standard_error", program.standard_error);
    for (const auto& [key, path] :
         {std::pair("log.path", &program.log.path), std::pair("log.stderr_path", &program.log.stderr_path)})
        if (is_shared_by_instances(program, *path) && !is_device(*path))
            report.warn(key,
                        std::string(key) +
                            ": all instances write to the same file; with %i in the path each has its own");
}

void check_input(const program_config& program, reporter& report)
{
    const bool is_data = program.standard_input.kind == input_kind::data;
    const bool has_data = report.is_given("standard_input_text") || report.is_given("standard_input_data") ||
                          !program.standard_input_data.empty();
    if (is_data && !has_data)
        report.refuse("standard_input", "standard_input: 'data' is what standard_input_text or "
                                        "standard_input_data say, and neither is given");
    if (!is_data && !program.standard_input_data.empty()) {
        const char* const key =
            report.is_given("standard_input_text") ? "standard_input_text" : "standard_input_data";
        report.refuse(key, std::string(key) + " is for 'standard_input: data', this is '" +
                               std::string(to_text(program.standard_input.kind)) +
                               "': leave standard_input out, or " + key);
    }
}

} // namespace

bool is_shared_by_instances(const program_config& program, std::string_view path)
{
    const auto has = [&](const char* specifier) { return path.find(specifier) != path.npos; };
    return program.instances > 1 && !path.empty() && !has("%i") && !has("%n") && !has("%N");
}

void check_streams(const program_config& program, reporter& report)
{
    check_log_paths(program, report);
    check_log_limits(program, report);
    check_outputs(program, report);
    check_shared_files(program, report);
    check_input(program, report);
}

} // namespace procctl::keys
