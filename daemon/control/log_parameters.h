// Which lines of logs a request wants, by its parameters. Pure.
#pragma once

#include "common/log_selection.h"
#include "common/result.h"
#include "daemon/control/request_target.h"

#include <string_view>

namespace procctl {

// For the table of routes.
inline constexpr std::string_view log_parameters =
    "pattern lines follow since until stream grep output color";
// Where the path says whose.
inline constexpr std::string_view log_parameters_of_one =
    log_parameters.substr(std::string_view("pattern ").size());

// Without `lines` the last 10, but all of those that a time or, unless followed, a regular expression
// chooses. Whether that is one, is found out where it is used. The error is a sentence for the client.
[[nodiscard]] result<log_selection> read_log_selection(const request_target&);

} // namespace procctl
