// Programs made of maps of keys as the loader would hand them over, for the tests of program_keys.
#pragma once

#include "daemon/core/program_keys.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace procctl::test {

using texts = std::vector<std::string>;

inline config_value text(std::string value) { return config_value::scalar(std::move(value)); }

inline config_value list(std::vector<config_value> items)
{
    config_value value;
    value.type = config_value::kind::list;
    value.items = std::move(items);
    return value;
}

// The n-th key stands in line n, column 5, and its value in column 15 of that line.
inline config_value map(std::vector<std::pair<std::string, config_value>> entries)
{
    config_value value;
    value.type = config_value::kind::map;
    int line = 0;
    for (auto& [key, content] : entries) {
        value.entries.emplace_back(text(key), std::move(content));
        value.entries.back().first.line = value.entries.back().second.line = ++line;
        value.entries.back().first.column = 5;
        value.entries.back().second.column = 15;
    }
    return value;
}

struct outcome {
    program_config program;
    texts problems;
};

inline outcome parse(const config_value& keys)
{
    diagnostics out;
    outcome result;
    result.program = parse_program("web", keys, "f", out);
    for (const diagnostic& d : out)
        result.problems.push_back(d.text());
    return result;
}

// A program with one key besides a command: the key stands in line 2.
inline outcome parse_key(const std::string& key, config_value value)
{
    return parse(map({{"exec_start", text("/bin/x")}, {key, std::move(value)}}));
}

inline bool mentions(const texts& problems, std::string_view part)
{
    return std::ranges::any_of(problems,
                               [&](const std::string& p) { return p.find(part) != std::string::npos; });
}

} // namespace procctl::test
