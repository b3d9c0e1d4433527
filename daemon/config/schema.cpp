// The JSON Schema of the format. YAML has types where the format has texts: a key that takes the text 022 or
// no must also accept the number and the truth value that an editor takes them for.
#include "daemon/config/reference.h"
#include "daemon/core/program_keys.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace procctl {
namespace {

namespace json = boost::json;

// "-20 to 19", as the table has it for whole numbers.
std::optional<std::pair<int, int>> range_of(std::string_view allowed)
{
    int least = 0;
    int most = 0;
    const char* const end = allowed.data() + allowed.size();
    const auto first = std::from_chars(allowed.data(), end, least);
    const std::string_view rest(first.ptr, static_cast<std::size_t>(end - first.ptr));
    if (first.ec != std::errc{} || !rest.starts_with(" to ")) return std::nullopt;
    if (std::from_chars(rest.data() + 4, end, most).ec != std::errc{}) return std::nullopt;
    return std::pair(least, most);
}

bool takes_nothing(std::string_view allowed) { return allowed.ends_with(", or nothing"); }

json::object integer(std::string_view allowed)
{
    json::object schema{{"type", {"integer", "string"}}, {"pattern", "^[+-]?[0-9]+$"}};
    if (takes_nothing(allowed))
        schema = {{"type", {"integer", "string", "null"}}, {"pattern", "^([+-]?[0-9]+)?$"}};
    if (const auto range = range_of(allowed)) {
        schema["minimum"] = range->first;
        schema["maximum"] = range->second;
    }
    return schema;
}

json::object choice(std::string_view allowed)
{
    json::array values;
    while (!allowed.empty()) {
        const auto comma = allowed.find(", ");
        const std::string_view value = allowed.substr(0, comma);
        values.emplace_back(value);
        if (value == "no") values.emplace_back(false);
        allowed = comma == std::string_view::npos ? std::string_view{} : allowed.substr(comma + 2);
    }
    return {{"enum", std::move(values)}};
}

// Words, and PATH behind some of them.
json::object stream(std::string_view allowed)
{
    std::string words;
    std::string openers;
    while (!allowed.empty()) {
        const auto comma = allowed.find(", ");
        const std::string_view value = allowed.substr(0, comma);
        const bool has_path = value.ends_with(":PATH");
        std::string& list = has_path ? openers : words;
        if (!list.empty()) list += '|';
        list += has_path ? value.substr(0, value.size() - 5) : value;
        allowed = comma == std::string_view::npos ? std::string_view{} : allowed.substr(comma + 2);
    }
    // YAML takes the word null for no value.
    return {{"type", {"string", "null"}}, {"pattern", "^(" + words + "|(" + openers + "):[/%].*)$"}};
}

json::object list_of(json::value items) { return {{"type", "array"}, {"items", std::move(items)}}; }

json::object any_of(std::initializer_list<json::value_ref> forms) { return {{"anyOf", json::array(forms)}}; }

json::object map_of(std::span<const program_key>);

json::object schema_of(const program_key& key)
{
    const json::object scalar{{"type", {"string", "number", "boolean"}}};
    const json::object scalar_or_null{{"type", {"string", "number", "boolean", "null"}}};
    switch (key.kind) {
    case key_kind::text:
    case key_kind::path: return scalar_or_null;
    case key_kind::boolean:
        return {{"enum", {true, false, 1, 0, "yes", "no", "true", "false", "on", "off", "1", "0"}}};
    case key_kind::integer: return integer(key.allowed);
    case key_kind::time_span:
        if (takes_nothing(key.allowed)) return {{"type", {"number", "string", "null"}}, {"minimum", 0}};
        return {{"type", {"number", "string"}}, {"minimum", 0}};
    case key_kind::byte_size:
    case key_kind::limit: return {{"type", {"integer", "string"}}};
    case key_kind::signal_number: return {{"type", {"string", "integer"}}, {"minimum", 1}, {"maximum", 64}};
    case key_kind::exit_statuses: return any_of({scalar_or_null, list_of(scalar)});
    case key_kind::command_line:
    case key_kind::command_lines: return any_of({scalar_or_null, list_of(any_of({scalar, list_of(scalar)}))});
    case key_kind::text_list: return any_of({scalar_or_null, list_of(scalar)});
    case key_kind::text_map:
        return any_of({scalar_or_null, list_of(scalar),
                       json::object{{"type", "object"}, {"additionalProperties", scalar}}});
    case key_kind::choice: return choice(key.allowed);
    case key_kind::stream: return stream(key.allowed);
    case key_kind::log_settings: return map_of(log_keys());
    }
    return {};
}

json::object map_of(std::span<const program_key> keys)
{
    json::object properties;
    for (const program_key& key : keys) {
        json::object schema = schema_of(key);
        std::string description(key.doc);
        description += "\n\nAllowed: " + std::string(key.allowed) + '.';
        if (!key.default_text.empty()) description += " Default: " + std::string(key.default_text) + '.';
        if (!key.directive.empty()) description += " systemd: " + std::string(key.directive) + "=.";
        schema["description"] = std::move(description);
        properties[key.name] = std::move(schema);
    }
    return {
        {"type", {"object", "null"}}, {"properties", std::move(properties)}, {"additionalProperties", false}};
}

// Indented, because people read the file and its changes.
void write_indented(std::string& out, const json::value& value, const std::string& indentation)
{
    const std::string deeper = indentation + "  ";
    const auto is_leaf = [](const json::value& v) { return !v.is_array() && !v.is_object(); };
    if (const json::object* const object = value.if_object(); object != nullptr && !object->empty()) {
        out += "{\n";
        for (std::size_t n = 0; const auto& [key, member] : *object) {
            out += deeper + json::serialize(json::value(key)) + ": ";
            write_indented(out, member, deeper);
            out += ++n < object->size() ? ",\n" : "\n";
        }
        out += indentation + '}';
    } else if (const json::array* const array = value.if_array();
               array != nullptr && !std::all_of(array->begin(), array->end(), is_leaf)) {
        out += "[\n";
        for (std::size_t n = 0; const json::value& item : *array) {
            out += deeper;
            write_indented(out, item, deeper);
            out += ++n < array->size() ? ",\n" : "\n";
        }
        out += indentation + ']';
    } else {
        out += json::serialize(value);
    }
}

} // namespace

std::string json_schema()
{
    const json::object name{
        {"pattern", "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"}, {"maxLength", 128}, {"not", {{"const", "all"}}}};
    const json::object reference{{"$ref", "#/$defs/program"}};
    const json::object schema{
        {"$schema", "https://json-schema.org/draft/2020-12/schema"},
        {"title", "procctl: a file of programs"},
        {"type", {"object", "null"}},
        {"properties",
         {{"programs",
           {{"description", "The programs, by name."},
            {"type", {"object", "null"}},
            {"propertyNames", name},
            {"additionalProperties", reference}}},
          {"defaults",
           {{"description", "Keys that every program of this file has unless it has its own."},
            {"$ref", "#/$defs/program"}}}}},
        {"additionalProperties", false},
        {"$defs", {{"program", map_of(program_keys())}}}};
    std::string out;
    write_indented(out, schema, "");
    return out + '\n';
}

} // namespace procctl
