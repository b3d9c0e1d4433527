// Answers a client's question for log lines, or for the text of a program's configuration, in the daemon's
// stead: writes the whole HTTP response to the client's socket.
//
// Runs in a helper process of its own, where it may block: on a disk, or on a client that reads slowly.
#pragma once

#include "daemon/helpers/log_request.h"

#include <string>
#include <vector>

namespace procctl {

// Lines of logs, in the order of their times as far as those are known, then with `follow` all that is added,
// until the client hangs up. Or an error: 400 for a pattern that is none, 409 for a stream that cannot be
// told from the other. A log that does not exist has no lines (yet). Returns the helper's exit status: 0,
// though the client may be gone.
[[nodiscard]] int serve_log(int client, log_request);

struct text_source {
    std::string file;
    int line = 0; // where the program's entry begins, from 1
};

// The lines of each entry, below a comment that says where it stands.
[[nodiscard]] int serve_text(int client, const std::vector<text_source>&);

// The lines of the entry of a YAML mapping that begins on `line`: those that follow and are indented further,
// with blank lines and comments between them. Empty when there is no such line.
[[nodiscard]] std::string entry_at(const std::string& text, int line);

} // namespace procctl
