// A configuration as a tree of values with positions, free of the syntax it was written in.
//
// The YAML loader makes such trees, and so does the reader of the canonical JSON that passes between
// processes; program_keys turns them into a program_config and back.
#pragma once

#include "common/result.h"
#include "daemon/core/diagnostic.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace procctl {

struct config_entry;

struct config_value {
    enum class kind { null, scalar, list, map };

    kind type = kind::null;
    std::string text;                  // of a scalar, as written, unquoted; of a null the word for it, if any
    std::vector<config_value> items;   // of a list
    std::vector<config_entry> entries; // of a map, in file order; each key is a scalar
    int line = 0;                      // 0 when it comes from no file
    int column = 0;

    [[nodiscard]] static config_value scalar(std::string text);
    [[nodiscard]] static config_value list(std::vector<std::string> texts);
    // The value of a key of a map; null pointer when it is absent.
    [[nodiscard]] const config_value* find(std::string_view key) const;
};

// A pair, but one that a value may hold a list of before it is complete itself.
struct config_entry {
    config_entry(config_value key, config_value value) : first(std::move(key)), second(std::move(value)) {}

    config_value first;
    config_value second;
};

// Equal as values: positions do not count.
[[nodiscard]] bool same_value(const config_value&, const config_value&);

// The canonical JSON form ("a" / ["a","b"] / {"k":"v"} / null), and back; positions are lost.
[[nodiscard]] std::string to_json(const config_value&);
[[nodiscard]] result<config_value> config_value_from_json(std::string_view);

} // namespace procctl
