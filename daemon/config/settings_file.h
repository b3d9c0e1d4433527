// The settings file: where each scope keeps things, and the tree of procctl.yaml to settings.
#pragma once

#include "common/result.h"
#include "daemon/config/settings.h"
#include "daemon/core/config_value.h"
#include "daemon/core/diagnostic.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace procctl {

// getenv(3), or what a test wants it to be; empty and unset are the same.
using environment_lookup = std::function<std::string(const char* name)>;
[[nodiscard]] std::string process_environment(const char* name);

// What a scope has without a settings file. `file` is the default settings file, which may be missing.
// Of a user without XDG_RUNTIME_DIR the socket is empty: the settings file has to name it. An error: HOME is
// needed and unknown.
[[nodiscard]] result<settings> default_settings(scope, const environment_lookup&);

// Lays the file's keys over `base`. Relative paths count from the folder of `file`, which is absolute.
[[nodiscard]] settings parse_settings(settings base, const config_value& tree, const std::string& file,
                                      diagnostics& out);

// What follows from the others: runtime_dir. Reports a socket that is still missing.
void complete_settings(settings&, diagnostics& out);

} // namespace procctl
