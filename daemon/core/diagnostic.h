// What is wrong with a configuration, and where: the one form in which every check reports it.
#pragma once

#include <string>
#include <vector>

namespace procctl {

// A place in a file; line and column count from 1, 0 means "the file as a whole".
struct source_position {
    std::string file;
    int line = 0;
    int column = 0;

    friend bool operator==(const source_position&, const source_position&) = default;
};

enum class severity { warning, error };

struct diagnostic {
    severity level = severity::error;
    source_position where;
    // One sentence: what was found, what is allowed, what to do. "unknown key 'stopwaitsecs': did you mean
    // 'timeout_stop_sec'?"
    std::string message;

    // "/etc/procctl/conf.d/worker.yaml:4:5: error: unknown key …"
    [[nodiscard]] std::string text() const;
};

using diagnostics = std::vector<diagnostic>;

[[nodiscard]] bool has_errors(const diagnostics&);

} // namespace procctl
