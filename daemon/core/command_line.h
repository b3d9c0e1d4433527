// Splitting a command string into words by systemd's quoting rules; no shell is involved. Pure.
#pragma once

#include "common/result.h"
#include "daemon/core/program_config.h"

#include <string>
#include <string_view>
#include <vector>

namespace procctl {

// Words separated by white space; '…' and "…" group; C-style escapes (\n \t \\ \" \' \s \xNN \NNN \uNNNN
// \UNNNNNNNN) as in systemd.service(5). Errors: unbalanced quotes, unknown escape; the sentence says at which
// byte.
[[nodiscard]] result<std::vector<std::string>> split_words(std::string_view text);

// A command string with its prefixes '-' and ':' (in either order). Other prefixes of systemd's ('@', '+',
// '!', '|') are refused with the reason. Errors also: no words, an empty first word.
[[nodiscard]] result<command> parse_command(std::string_view text);
// The same for a list, taken as argv; the prefixes stand before the first word.
[[nodiscard]] result<command> parse_command(const std::vector<std::string>& argv);

// A string that parse_command reads back as the same command.
[[nodiscard]] std::string format_command(const command&);

} // namespace procctl
