// load_result as JSON, for the way from the helper to the daemon. In a file of its own, so that reading it
// needs no YAML library.
#include "daemon/config/load.h"
#include "daemon/core/program_keys.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>

namespace procctl {
namespace {

namespace json = boost::json;

json::object write(const settings& s)
{
    return {{"where", s.where == scope::user ? "user" : "system"},
            {"file", s.file},
            {"conf_d", s.conf_d},
            {"socket", s.socket},
            {"socket_mode", s.socket_mode},
            {"socket_group", s.socket_group},
            {"log_dir", s.log_dir},
            {"state_dir", s.state_dir},
            {"runtime_dir", s.runtime_dir},
            {"log_level", s.log_level},
            {"log_file", s.log_file},
            {"control_groups", s.control_groups}};
}

json::object write(const identity& who)
{
    json::array groups;
    for (const gid_t gid : who.groups)
        groups.emplace_back(gid);
    return {{"uid", who.uid},   {"gid", who.gid},     {"groups", std::move(groups)},     {"user", who.user},
            {"home", who.home}, {"shell", who.shell}, {"changes_user", who.changes_user}};
}

json::array write(const std::vector<std::string>& texts)
{
    json::array out;
    for (const std::string& text : texts)
        out.emplace_back(text);
    return out;
}

json::object write_place(const source_position& where)
{
    return {{"file", where.file}, {"line", where.line}, {"column", where.column}};
}

// The readers below throw boost::system::system_error or std::exception on anything unexpected; the one
// public function turns that into an error.
std::string text(const json::object& from, const char* key)
{
    return json::value_to<std::string>(from.at(key));
}

template <class Number> Number number(const json::value& from) { return from.to_number<Number>(); }

std::vector<std::string> texts(const json::value& from)
{
    return json::value_to<std::vector<std::string>>(from);
}

settings read_settings(const json::object& from)
{
    settings s;
    s.where = text(from, "where") == "user" ? scope::user : scope::system;
    s.file = text(from, "file");
    s.conf_d = text(from, "conf_d");
    s.socket = text(from, "socket");
    s.socket_mode = number<unsigned>(from.at("socket_mode"));
    s.socket_group = text(from, "socket_group");
    s.log_dir = text(from, "log_dir");
    s.state_dir = text(from, "state_dir");
    s.runtime_dir = text(from, "runtime_dir");
    s.log_level = text(from, "log_level");
    s.log_file = text(from, "log_file");
    s.control_groups = from.at("control_groups").as_bool();
    return s;
}

identity read_identity(const json::object& from)
{
    identity who;
    who.uid = number<uid_t>(from.at("uid"));
    who.gid = number<gid_t>(from.at("gid"));
    for (const json::value& gid : from.at("groups").as_array())
        who.groups.push_back(number<gid_t>(gid));
    who.user = text(from, "user");
    who.home = text(from, "home");
    who.shell = text(from, "shell");
    who.changes_user = from.at("changes_user").as_bool();
    return who;
}

source_position read_place(const json::object& from)
{
    return {text(from, "file"), number<int>(from.at("line")), number<int>(from.at("column"))};
}

loaded_program read_program(const json::object& from)
{
    const auto keys = config_value_from_json(json::serialize(from.at("keys")));
    if (!keys) throw std::runtime_error(keys.error().message());
    diagnostics problems;
    loaded_program program{parse_program(text(from, "name"), *keys, text(from, "file"), problems),
                           read_place(from)};
    if (has_errors(problems)) throw std::runtime_error(problems.front().text());
    return program;
}

load_result read_result(const json::object& from)
{
    load_result loaded;
    loaded.daemon = read_settings(from.at("daemon").as_object());
    for (const json::value& p : from.at("programs").as_array())
        loaded.programs.push_back(read_program(p.as_object()));
    loaded.files = texts(from.at("files"));
    loaded.refused = texts(from.at("refused"));
    for (const json::value& p : from.at("problems").as_array()) {
        const json::object& problem = p.as_object();
        const severity level = text(problem, "level") == "warning" ? severity::warning : severity::error;
        loaded.problems.push_back({level, read_place(problem), text(problem, "message")});
    }
    for (const auto& [key, value] : from.at("identities").as_object()) {
        const json::object& resolved = value.as_object();
        resolved_identity& to = loaded.identities[std::string(key)];
        if (const json::object* const who = resolved.at("who").if_object()) to.who = read_identity(*who);
        to.is_group = resolved.at("is_group").as_bool();
        to.message = text(resolved, "message");
    }
    loaded.self = read_identity(from.at("self").as_object());
    if (!from.at("socket_gid").is_null()) loaded.socket_gid = number<unsigned>(from.at("socket_gid"));
    loaded.host = text(from, "host");
    return loaded;
}

} // namespace

std::string to_json(const load_result& loaded)
{
    json::array programs;
    for (const loaded_program& p : loaded.programs) {
        json::object program = write_place(p.where);
        program["name"] = p.config.name;
        program["keys"] = json::parse(to_json(format_program(p.config)));
        programs.push_back(std::move(program));
    }
    json::array problems;
    for (const diagnostic& d : loaded.problems) {
        json::object problem = write_place(d.where);
        problem["level"] = d.level == severity::warning ? "warning" : "error";
        problem["message"] = d.message;
        problems.push_back(std::move(problem));
    }
    json::object identities;
    for (const auto& [key, resolved] : loaded.identities)
        identities[key] = {{"who", resolved.who ? json::value(write(*resolved.who)) : json::value(nullptr)},
                           {"is_group", resolved.is_group},
                           {"message", resolved.message}};
    const json::object all{
        {"daemon", write(loaded.daemon)},
        {"programs", std::move(programs)},
        {"files", write(loaded.files)},
        {"refused", write(loaded.refused)},
        {"problems", std::move(problems)},
        {"identities", std::move(identities)},
        {"self", write(loaded.self)},
        {"socket_gid", loaded.socket_gid ? json::value(*loaded.socket_gid) : json::value(nullptr)},
        {"host", loaded.host}};
    return json::serialize(all);
}

result<load_result> load_result_from_json(std::string_view text)
{
    try {
        json::parse_options options;
        options.allow_invalid_utf8 = true; // the names of files are any bytes
        return read_result(json::parse(text, {}, options).as_object());
    } catch (const std::exception& e) {
        return make_error(std::string("cannot read a loaded configuration: ") + e.what());
    }
}

} // namespace procctl
