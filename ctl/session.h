// What a command works with, and what every command needs of it.
#pragma once

#include "ctl/connection.h"
#include "ctl/exit_code.h"
#include "ctl/options.h"
#include "ctl/text.h"

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace procctl::ctl {

struct session {
    const options& opts;
    connection& daemon;
    std::ostream& out;
    std::ostream& err;
    view how;
    std::vector<std::string> looked_for{}; // other sockets that were not there, for the message
};

// Asks the daemon. When it cannot be reached says so, with the remedy, and answers the exit status to end
// with in `failed`.
struct asked {
    api_reply reply;
    std::optional<int> failed; // absent: there is a reply, whatever its status
};
[[nodiscard]] asked ask(session&, std::string_view method, std::string_view target,
                        std::string_view body = {});

// Says why the daemon cannot be reached and what to do: exit_unreachable, or exit_forbidden.
[[nodiscard]] int unreachable(session&, const error&);
// Prints the error that the reply is: its message, or with -o json the reply itself. Answers the exit status
// that belongs to it.
[[nodiscard]] int refused(session&, const api_reply&);
// The reply is not what this version of procctl understands.
[[nodiscard]] int not_understood(session&, const error&);

// Passes on what a helper of the daemon writes, as it comes. Answers the exit status.
[[nodiscard]] int pass_on(session&, const std::string& target);

// A part of a path or a parameter, percent-encoded.
[[nodiscard]] std::string encoded(std::string_view text);

} // namespace procctl::ctl
