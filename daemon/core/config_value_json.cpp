// The canonical JSON form of config_value, in a file of its own: nothing else in core needs a JSON library.
#include "daemon/core/config_value.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace procctl {
namespace {

namespace json = boost::json;

json::value to_value(const config_value& from)
{
    switch (from.type) {
    case config_value::kind::null: break;
    case config_value::kind::scalar: return json::value(json::string(from.text));
    case config_value::kind::list: {
        json::array to;
        for (const config_value& item : from.items)
            to.push_back(to_value(item));
        return to;
    }
    case config_value::kind::map: {
        json::object to;
        for (const auto& [key, value] : from.entries)
            to.emplace(key.text, to_value(value));
        return to;
    }
    }
    return nullptr;
}

// Only what to_json writes is read: numbers and truth values are scalars' texts, in quotes.
result<config_value> from_value(const json::value& from)
{
    config_value to;
    switch (from.kind()) {
    case json::kind::null: return to;
    case json::kind::string: return config_value::scalar(std::string(from.get_string()));
    case json::kind::array:
        to.type = config_value::kind::list;
        for (const json::value& item : from.get_array()) {
            auto read = from_value(item);
            if (!read) return read;
            to.items.push_back(std::move(*read));
        }
        return to;
    case json::kind::object:
        to.type = config_value::kind::map;
        for (const auto& [key, value] : from.get_object()) {
            auto read = from_value(value);
            if (!read) return read;
            to.entries.emplace_back(config_value::scalar(std::string(key)), std::move(*read));
        }
        return to;
    default: return make_error("cannot read a configuration value: it is neither text, list nor map");
    }
}

} // namespace

std::string to_json(const config_value& value) { return json::serialize(to_value(value)); }

result<config_value> config_value_from_json(std::string_view text)
{
    boost::system::error_code code;
    const json::value parsed = json::parse(text, code); // its own limit on depth is 32
    if (code) return make_error("cannot read a configuration value: " + code.message());
    return from_value(parsed);
}

} // namespace procctl
