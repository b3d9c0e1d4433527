#include "common/protocol.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>

namespace procctl::protocol {
namespace {

namespace json = boost::json;

// --- Writing. By hand, because the order of the members is part of what people read, and because Boost
// writes 3.2 as 3.2E0.

std::string value_text(const std::string& v) { return json_text(v); }
std::string value_text(bool v) { return v ? "true" : "false"; }
template <std::integral T> std::string value_text(T v) { return std::to_string(v); }

std::string value_text(const std::optional<double>& v)
{
    if (!v) return "null";
    char buffer[32];
    const auto end = std::to_chars(std::begin(buffer), std::end(buffer), *v).ptr;
    return {std::begin(buffer), end};
}

template <class Range, class ToText> std::string list_text(const Range& items, ToText to_text)
{
    std::string out = "[";
    for (const auto& item : items) {
        if (out.size() > 1) out += ',';
        out += to_text(item);
    }
    return out + ']';
}

std::string value_text(const std::vector<std::string>& v) { return list_text(v, json_text); }

// Collects the members that a visitor shows it.
struct member_writer {
    properties out;

    template <class T> void operator()(const char* name, const T& value)
    {
        out.push_back({name, value_text(value)});
    }
    template <class T> void operator()(const char* name, const std::vector<T>& items);
};

template <class T> properties members_of(const T& value);

template <class T> void member_writer::operator()(const char* name, const std::vector<T>& items)
{
    if constexpr (std::same_as<T, std::string>)
        out.push_back({name, value_text(items)});
    else
        out.push_back({name, list_text(items, [](const T& item) { return to_json(members_of(item)); })});
}

// --- The members of each object, once for both directions: `visit` gets each name and a reference to the
// field, which is const when it writes.

template <class Visitor, class T>
requires std::same_as<std::remove_const_t<T>, program_status>
void visit_members(Visitor& visit, T& v)
{
    visit("name", v.name);
    visit("program", v.program);
    visit("description", v.description);
    visit("type", v.type);
    visit("active_state", v.active_state);
    visit("sub_state", v.sub_state);
    visit("result", v.result);
    visit("main_pid", v.main_pid);
    visit("control_pid", v.control_pid);
    visit("control_command", v.control_command);
    visit("control_group", v.control_group);
    visit("status_text", v.status_text);
    visit("status_errno", v.status_errno);
    visit("reload_result", v.reload_result);
    visit("exit_type", v.exit_type);
    visit("notify_access", v.notify_access);
    visit("ignored_notifications", v.ignored_notifications);
    visit("watchdog_usec", v.watchdog_usec);
    visit("next_watchdog_in_sec", v.next_watchdog_in_sec);
    visit("n_file_descriptor_store", v.n_file_descriptor_store);
    visit("monitored", v.monitored);
    visit("monitored_result", v.monitored_result);
    visit("n_restarts", v.n_restarts);
    visit("exec_main_code", v.exec_main_code);
    visit("exec_main_status", v.exec_main_status);
    visit("exec_main_start_timestamp", v.exec_main_start_timestamp);
    visit("exec_main_exit_timestamp", v.exec_main_exit_timestamp);
    visit("last_result", v.last_result);
    visit("last_exec_main_code", v.last_exec_main_code);
    visit("last_exec_main_status", v.last_exec_main_status);
    visit("last_end_timestamp", v.last_end_timestamp);
    visit("last_output", v.last_output);
    visit("state_change_timestamp", v.state_change_timestamp);
    visit("active_enter_timestamp", v.active_enter_timestamp);
    visit("active_exit_timestamp", v.active_exit_timestamp);
    visit("inactive_enter_timestamp", v.inactive_enter_timestamp);
    visit("inactive_exit_timestamp", v.inactive_exit_timestamp);
    visit("invocation_id", v.invocation_id);
    visit("next_restart_in_sec", v.next_restart_in_sec);
    visit("start_limit_hit", v.start_limit_hit);
    visit("explanation", v.explanation);
    visit("log_path", v.log_path);
    visit("stderr_log_path", v.stderr_log_path);
    visit("log_note", v.log_note);
    visit("log_error", v.log_error);
    visit("log_error_timestamp", v.log_error_timestamp);
    visit("on_log_error", v.on_log_error);
    visit("dropped_output", v.dropped_output);
    visit("source", v.source);
}

template <class Visitor, class T>
requires std::same_as<std::remove_const_t<T>, error_reply>
void visit_members(Visitor& visit, T& v)
{
    visit("kind", v.kind);
    visit("message", v.message);
}

template <class Visitor, class T>
requires std::same_as<std::remove_const_t<T>, job_reply>
void visit_members(Visitor& visit, T& v)
{
    visit("name", v.name);
    visit("job", v.job);
    visit("outcome", v.outcome);
    visit("explanation", v.explanation);
}

template <class Visitor, class T>
requires std::same_as<std::remove_const_t<T>, problem>
void visit_members(Visitor& visit, T& v)
{
    visit("level", v.level);
    visit("file", v.file);
    visit("line", v.line);
    visit("column", v.column);
    visit("message", v.message);
}

template <class Visitor, class T>
requires std::same_as<std::remove_const_t<T>, update_reply>
void visit_members(Visitor& visit, T& v)
{
    visit("ok", v.ok);
    visit("dry_run", v.dry_run);
    visit("start", v.start);
    visit("add", v.add);
    visit("restart", v.restart);
    visit("replace", v.replace);
    visit("stop", v.stop);
    visit("remove", v.remove);
    visit("problems", v.problems);
    visit("jobs", v.jobs);
}

template <class Visitor, class T>
requires std::same_as<std::remove_const_t<T>, daemon_status>
void visit_members(Visitor& visit, T& v)
{
    visit("version", v.version);
    visit("pid", v.pid);
    visit("start_timestamp", v.start_timestamp);
    visit("programs", v.programs);
    visit("instances", v.instances);
    visit("conf_d", v.conf_d);
    visit("socket", v.socket);
    visit("log_dir", v.log_dir);
    visit("state_dir", v.state_dir);
    visit("dropped_log_lines", v.dropped_log_lines);
    visit("problems", v.problems);
}

template <class Visitor, class T>
requires std::same_as<std::remove_const_t<T>, version_reply>
void visit_members(Visitor& visit, T& v)
{
    visit("version", v.version);
    visit("api", v.api);
}

template <class Visitor, class T>
requires std::same_as<std::remove_const_t<T>, job_request>
void visit_members(Visitor& visit, T& v)
{
    visit("job", v.job);
    visit("names", v.names);
}

template <class T> properties members_of(const T& value)
{
    member_writer writer;
    visit_members(writer, value);
    return std::move(writer.out);
}

template <class T> std::string list_to_json(const std::vector<T>& items)
{
    return list_text(items, [](const T& item) { return to_json(members_of(item)); });
}

properties joined(properties first, properties second)
{
    first.insert(first.end(), std::make_move_iterator(second.begin()), std::make_move_iterator(second.end()));
    return first;
}

// --- Reading.

// Takes the members that a visitor names out of an object. The first that does not fit is remembered.
struct member_reader {
    const json::object& from;
    std::string wrong{};
    std::size_t found = 0;

    template <class T> void operator()(const char* name, T& field)
    {
        const json::value* value = from.if_contains(name);
        if (value == nullptr) return;
        ++found;
        if (!read(*value, field) && wrong.empty()) wrong = name;
    }

    static bool read(const json::value& v, std::string& field)
    {
        if (!v.is_string()) return false;
        field = v.get_string();
        return true;
    }
    static bool read(const json::value& v, bool& field)
    {
        if (!v.is_bool()) return false;
        field = v.get_bool();
        return true;
    }
    static bool read(const json::value& v, std::optional<double>& field)
    {
        if (v.is_null()) return true;
        if (!v.is_number()) return false;
        field = v.to_number<double>();
        return true;
    }
    template <std::integral T> static bool read(const json::value& v, T& field)
    {
        json::error_code failed;
        const T number = v.is_number() ? v.to_number<T>(failed) : T{};
        if (!v.is_number() || failed) return false;
        field = number;
        return true;
    }
    template <class T> static bool read(const json::value& v, std::vector<T>& field)
    {
        if (!v.is_array()) return false;
        for (const json::value& item : v.get_array())
            if (!read(item, field.emplace_back())) return false;
        return true;
    }
    template <class T>
    requires std::is_class_v<T>
    static bool read(const json::value& v, T& field)
    {
        if (!v.is_object()) return false;
        member_reader inner{v.get_object()};
        visit_members(inner, field);
        return inner.wrong.empty();
    }
};

result<json::value> parse(std::string_view text)
{
    json::error_code failed;
    json::value v = json::parse(text, failed);
    if (failed) return make_error("the text is not JSON: " + failed.message());
    return v;
}

template <class T> result<T> object_from(const json::value& v)
{
    if (!v.is_object()) return make_error("the JSON is not an object");
    T out;
    member_reader reader{v.get_object()};
    visit_members(reader, out);
    if (!reader.wrong.empty()) return make_error("'" + reader.wrong + "' has the wrong type");
    return out;
}

template <class T> result<T> object_from_json(std::string_view text)
{
    const auto v = parse(text);
    if (!v) return v.error();
    return object_from<T>(*v);
}

template <class T> result<std::vector<T>> list_from(const json::value& v)
{
    if (!v.is_array()) return make_error("the JSON is not a list");
    std::vector<T> out;
    for (const json::value& item : v.get_array()) {
        auto one = object_from<T>(item);
        if (!one) return one.error();
        out.push_back(std::move(*one));
    }
    return out;
}

std::string text_for_people(const json::value& v)
{
    if (v.is_null()) return "";
    if (v.is_string()) return {v.get_string().begin(), v.get_string().end()};
    if (v.is_double()) return value_text(std::optional(v.get_double()));
    std::string out;
    if (v.is_array()) {
        for (const json::value& item : v.get_array())
            out += (out.empty() ? "" : " ") + text_for_people(item);
        return out;
    }
    if (v.is_object()) {
        for (const auto& [key, value] : v.get_object())
            out += (out.empty() ? "" : " ") + std::string(key) + '=' + text_for_people(value);
        return out;
    }
    return json::serialize(v);
}

// The length of the well-formed UTF-8 sequence that `text` begins with; 0 when there is none.
std::size_t utf8_length(std::string_view text)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                               : first >= 0xE0 && first <= 0xEF ? 3
                               : first >= 0xF0 && first <= 0xF4 ? 4
                                                                : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    // Overlong forms, surrogates, and what lies beyond U+10FFFF show in the second byte.
    const unsigned char second = byte(1);
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
        (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F))
        return 0;
    return length;
}

} // namespace

std::string json_text(std::string_view text)
{
    static constexpr std::string_view hex = "0123456789abcdef";
    const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
    std::string out = "\"";
    for (;;) {
        // Most text is plain, and the output of programs is a lot of it.
        const auto plain = static_cast<std::size_t>(std::ranges::find_if_not(text, is_plain) - text.begin());
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) break;
        const auto c = static_cast<unsigned char>(text.front());
        const std::size_t length = utf8_length(text);
        if (c == '"' || c == '\\')
            out += {'\\', text.front()};
        else if (c == '\n')
            out += "\\n";
        else if (c == '\t')
            out += "\\t";
        else if (c < 0x20 || c == 0x7f)
            out += std::string("\\u00") + hex[c >> 4U] + hex[c & 15U];
        else if (const unsigned char second = length == 2 ? static_cast<unsigned char>(text[1]) : 0;
                 c == 0xC2 && second < 0xA0) // U+0080 to U+009F: some terminals obey them
            out += std::string("\\u00") + hex[second >> 4U] + hex[second & 15U];
        else if (length == 0)
            out += "\xEF\xBF\xBD";
        else
            out += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out + '"';
}

properties properties_of(const program_status& status) { return members_of(status); }

std::string to_json(const properties& members)
{
    std::string out = "{";
    for (const property& member : members) {
        if (out.size() > 1) out += ',';
        out += json_text(member.name) + ':' + member.json;
    }
    return out + '}';
}

std::string to_json(const program_status& v) { return to_json(members_of(v)); }
std::string to_json(const std::vector<program_status>& v) { return list_to_json(v); }
std::string to_json(const error_reply& v) { return to_json(members_of(v)); }
std::string to_json(const std::vector<job_reply>& v) { return list_to_json(v); }
std::string to_json(const update_reply& v) { return to_json(members_of(v)); }
std::string to_json(const daemon_status& v) { return to_json(members_of(v)); }
std::string to_json(const version_reply& v) { return to_json(members_of(v)); }
std::string to_json(const job_request& v) { return to_json(members_of(v)); }

std::string to_json(const error_reply& failure, const std::vector<job_reply>& jobs)
{
    return to_json(joined(members_of(failure), {{"jobs", list_to_json(jobs)}}));
}

std::string to_json(const error_reply& failure, const update_reply& update)
{
    return to_json(joined(members_of(failure), members_of(update)));
}

result<std::vector<program_status>> program_statuses_from_json(std::string_view text)
{
    const auto v = parse(text);
    if (!v) return v.error();
    return list_from<program_status>(*v);
}

result<error_reply> error_reply_from_json(std::string_view text)
{
    auto reply = object_from_json<error_reply>(text);
    if (reply && reply->kind.empty()) return make_error("'kind' is missing");
    return reply;
}

result<std::vector<job_reply>> job_replies_from_json(std::string_view text)
{
    const auto v = parse(text);
    if (!v) return v.error();
    if (v->is_object()) {
        const json::value* jobs = v->get_object().if_contains("jobs");
        if (jobs == nullptr) return make_error("'jobs' is missing");
        return list_from<job_reply>(*jobs);
    }
    return list_from<job_reply>(*v);
}

result<update_reply> update_reply_from_json(std::string_view text)
{
    return object_from_json<update_reply>(text);
}

result<daemon_status> daemon_status_from_json(std::string_view text)
{
    return object_from_json<daemon_status>(text);
}

result<version_reply> version_reply_from_json(std::string_view text)
{
    return object_from_json<version_reply>(text);
}

result<job_request> job_request_from_json(std::string_view text)
{
    const auto v = parse(text);
    if (!v) return v.error();
    auto request = object_from<job_request>(*v);
    if (!request) return request.error();
    member_reader known{v->get_object()};
    job_request again;
    visit_members(known, again);
    if (known.found != v->get_object().size())
        return make_error(R"(the request has a member besides "job" and "names")");
    static constexpr std::array<std::string_view, 5> jobs{"start", "stop", "restart", "try-restart",
                                                          "reload"};
    if (std::ranges::find(jobs, request->job) == jobs.end())
        return make_error(R"("job" is none of "start", "stop", "restart", "try-restart", "reload")");
    if (request->names.empty()) return make_error(R"("names" is missing or empty)");
    return request;
}

result<std::vector<std::vector<std::pair<std::string, std::string>>>>
property_lists_from_json(std::string_view text)
{
    const auto v = parse(text);
    if (!v) return v.error();
    if (!v->is_array()) return make_error("the JSON is not a list");
    std::vector<std::vector<std::pair<std::string, std::string>>> out;
    for (const json::value& item : v->get_array()) {
        if (!item.is_object()) return make_error("the JSON is not a list of objects");
        auto& list = out.emplace_back();
        for (const auto& [name, value] : item.get_object())
            list.emplace_back(name, text_for_people(value));
    }
    return out;
}

} // namespace procctl::protocol
