// What to say of a key that is not in the table: whose spelling it is, what to write instead, or that this
// version does not have it.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace procctl {

// A whole sentence, without the position: "unknown key 'stopwaitsecs': did you mean 'timeout_stop_sec'?"
[[nodiscard]] std::string explain_unknown_program_key(std::string_view key);

// The candidate that the word is most likely a misspelling of; empty when none is near. Case, '_' and '-' do
// not count: "RestartSec" is "restart_sec".
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

// Whether the two differ in case, '_' and '-' only.
[[nodiscard]] bool is_same_spelling(std::string_view a, std::string_view b);

} // namespace procctl
