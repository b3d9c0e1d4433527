#include "daemon/config/settings_file.h"

#include "daemon/core/program_keys.h"
#include "daemon/core/program_keys_unknown.h"
#include "daemon/core/utf8.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include <stdlib.h>
#include <sys/un.h>

namespace procctl {
namespace {

using kind = config_value::kind;

// A path as the kernel takes it, without "." and "..".
std::string absolute(const std::string& path, const std::string& file)
{
    return (std::filesystem::path(file).parent_path() / path).lexically_normal().string();
}

// Where the parse functions of the table below find the file and report.
struct context {
    const std::string& file;
    key_errors& errors;
};

using parse_function = void (*)(settings&, const config_value&, context&);

// A filled text, reported otherwise.
const std::string* read_text(const config_value& value, context& c)
{
    if (value.type == kind::scalar && !value.text.empty()) return &value.text;
    if (value.type == kind::null || value.type == kind::scalar)
        c.errors.report(value, "a value is missing");
    else
        c.errors.report(value, "expected a single value, found a " +
                                   std::string(value.type == kind::list ? "list" : "map"));
    return nullptr;
}

template <auto Field> void parse_path(settings& s, const config_value& value, context& c)
{
    const std::string* const text = read_text(value, c);
    if (text == nullptr) return;
    if (text->front() == '~' || text->find('%') != std::string::npos)
        return c.errors.report(value, "'" + *text + "': neither ~ nor specifiers are expanded here");
    s.*Field = absolute(*text, c.file);
}

void parse_socket(settings& s, const config_value& value, context& c)
{
    parse_path<&settings::socket>(s, value, c);
    if (s.socket.size() >= sizeof(sockaddr_un::sun_path))
        c.errors.report(value, "the path of a socket has at most " +
                                   std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
                                   " bytes, this one has " + std::to_string(s.socket.size()));
}

void parse_socket_mode(settings& s, const config_value& value, context& c)
{
    const std::string* const text = read_text(value, c);
    if (text == nullptr) return;
    unsigned mode = 0;
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), mode, 8);
    if (code == std::errc{} && end == text->data() + text->size() && mode <= 0777)
        s.socket_mode = mode;
    else
        c.errors.report(value, "'" + *text + "' is not an octal number from 0000 to 0777");
}

void parse_socket_group(settings& s, const config_value& value, context& c)
{
    if (value.type == kind::null)
        s.socket_group.clear();
    else if (value.type == kind::scalar)
        s.socket_group = value.text; // '': the daemon's own
    else
        c.errors.report(value, "expected the name or number of a group");
}

void parse_log_level(settings& s, const config_value& value, context& c)
{
    static constexpr std::array<std::string_view, 5> levels{"trace", "debug", "info", "warning", "error"};
    const std::string* const text = read_text(value, c);
    if (text == nullptr) return;
    if (std::ranges::find(levels, *text) != levels.end())
        s.log_level = *text;
    else
        c.errors.report(value,
                        "unknown value '" + *text + "'; allowed are trace, debug, info, warning, error");
}

void parse_control_groups(settings& s, const config_value& value, context& c)
{
    const std::string* const text = read_text(value, c);
    if (text == nullptr) return;
    if (*text == "yes" || *text == "true" || *text == "on")
        s.control_groups = true;
    else if (*text == "no" || *text == "false" || *text == "off")
        s.control_groups = false;
    else
        c.errors.report(value, "unknown value '" + *text + "'; allowed are yes, no");
}

struct settings_key {
    std::string_view name;
    parse_function parse;
};

constexpr auto table = std::to_array<settings_key>({
    {"conf_d", parse_path<&settings::conf_d>},
    {"socket", parse_socket},
    {"socket_mode", parse_socket_mode},
    {"socket_group", parse_socket_group},
    {"log_dir", parse_path<&settings::log_dir>},
    {"state_dir", parse_path<&settings::state_dir>},
    {"log_level", parse_log_level},
    {"log_file", parse_path<&settings::log_file>},
    {"control_groups", parse_control_groups},
});

std::string explain_unknown_key(std::string_view key)
{
    const std::string unknown = "unknown key '" + shortened(key) + "'";
    for (const std::string_view later : {"max_parallel_starts", "ready_when", "access", "limits"})
        if (is_same_spelling(key, later))
            return "'" + std::string(key) + "' is not supported by this version of procctl";
    if (key == "programs" || key == "defaults")
        return unknown + ": programs stand in files of their own, in the folder conf_d";
    std::string names;
    std::vector<std::string_view> candidates;
    for (const settings_key& row : table) {
        if (is_same_spelling(key, row.name)) return unknown + ": write '" + std::string(row.name) + "'";
        candidates.push_back(row.name);
        if (!names.empty()) names += ", ";
        names += row.name;
    }
    if (const std::string_view near = nearest(key, candidates); !near.empty())
        return unknown + ": did you mean '" + std::string(near) + "'?";
    if (find_program_key(key) != nullptr)
        return unknown + ": this is a key of a program, which stands in a file of the folder conf_d";
    return unknown + "; allowed are " + names;
}

// An XDG folder; a relative one is to be ignored, says the specification.
std::string xdg_folder(const environment_lookup& lookup, const char* name, const std::string& home,
                       const std::string& otherwise)
{
    const std::string given = lookup(name);
    if (given.starts_with('/')) return given;
    return home.empty() ? std::string{} : home + otherwise;
}

} // namespace

std::string process_environment(const char* name)
{
    const char* const value = ::getenv(name); // read before any thread could change it: there is only one
    return value == nullptr ? std::string{} : std::string(value);
}

result<settings> default_settings(scope where, const environment_lookup& lookup)
{
    settings s;
    s.where = where;
    if (where == scope::system) {
        s.file = "/etc/procctl/procctl.yaml";
        s.conf_d = "/etc/procctl/conf.d";
        s.socket = "/run/procctl/procctl.sock";
        s.log_dir = "/var/log/procctl";
        s.state_dir = "/var/lib/procctl";
        return s;
    }
    const std::string home = lookup("HOME");
    const std::string configuration = xdg_folder(lookup, "XDG_CONFIG_HOME", home, "/.config");
    const std::string state = xdg_folder(lookup, "XDG_STATE_HOME", home, "/.local/state");
    const std::string runtime = xdg_folder(lookup, "XDG_RUNTIME_DIR", {}, {});
    if (configuration.empty() || state.empty())
        return make_error(
            "cannot find the user's folders: neither HOME nor XDG_CONFIG_HOME and XDG_STATE_HOME "
            "are set");
    s.file = configuration + "/procctl/procctl.yaml";
    s.conf_d = configuration + "/procctl/conf.d";
    s.socket = runtime.empty() ? std::string{} : runtime + "/procctl/procctl.sock";
    s.socket_mode = 0600;
    s.socket_group.clear();
    s.log_dir = state + "/procctl/log";
    s.state_dir = state + "/procctl";
    return s;
}

settings parse_settings(settings base, const config_value& tree, const std::string& file, diagnostics& out)
{
    base.file = file;
    if (tree.type == kind::null) return base; // nothing but comments
    if (tree.type != kind::map) {
        key_errors(out, file).report(tree, "expected a map of settings");
        return base;
    }
    for (const auto& [key, value] : tree.entries) {
        key_errors errors(out, file);
        const auto* const row = std::ranges::find(table, key.text, &settings_key::name);
        if (row == table.end()) {
            errors.report(key, explain_unknown_key(key.text));
            continue;
        }
        errors.set_key(row->name);
        context c{file, errors};
        row->parse(base, value, c);
    }
    return base;
}

void complete_settings(settings& s, diagnostics& out)
{
    if (s.socket.empty())
        out.push_back(
            {severity::error,
             {},
             "XDG_RUNTIME_DIR is not set, so there is no place for the control socket: log in through a "
             "session that sets it, or name the 'socket' in a settings file"});
    s.runtime_dir = std::filesystem::path(s.socket).parent_path().parent_path().string();
}

} // namespace procctl
