// YAML text to a tree of values with positions. The only user of the YAML library.
//
// It is strict where YAML is generous, because a configuration is written by hand and read by someone who
// wants to know what is meant: one document, no tags, no merge keys, no duplicate keys, no control
// characters. Scalars stay text as they were written, so `no` is the text no; quoted and plain scalars are
// the same, but for `~`, `null` and nothing at all, which are null when plain.
//
// Hostile text gives an error: what aliases expand to counts for every limit.
#pragma once

#include "daemon/core/config_value.h"
#include "daemon/core/diagnostic.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace procctl {

inline constexpr std::size_t yaml_max_bytes = 1 << 20;
inline constexpr int yaml_max_depth = 32; // of lists and maps within one another
inline constexpr std::size_t yaml_max_nodes = 100'000;
inline constexpr std::size_t yaml_max_text = 4 << 20; // bytes of all scalars together

// The tree of one file; null for a file without content. `file` is the name in what is reported. Absent when
// the text could not be read to its end; what was reported before is then not all there is to report.
[[nodiscard]] std::optional<config_value> load_yaml(std::string_view text, const std::string& file,
                                                    diagnostics& out);

} // namespace procctl
