// The escapes of systemd's unit files: \n \t \s \\ \" \' \xNN \NNN \uNNNN \UNNNNNNNN and their like.
#pragma once

#include "common/result.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace procctl {

enum class nul_bytes { refused, allowed }; // an argument and a variable end at one

// Appends what the escape at text[at], which is a backslash, stands for; `at` is then at its last character.
// Errors name the escape and its place: "unknown escape '\d' at byte 6: write \\ for a backslash".
[[nodiscard]] result<void> append_escape(std::string& out, std::string_view text, std::size_t& at, nul_bytes);

// A text with every escape resolved.
[[nodiscard]] result<std::string> unescape(std::string_view text, nul_bytes);

// The text with a backslash, control characters but newline and tab, and bytes that are not UTF-8 escaped:
// unescape() gives it back.
[[nodiscard]] std::string escape(std::string_view text);

} // namespace procctl
