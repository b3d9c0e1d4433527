// Writes lines of logs to a client, in the form that was asked for.
#pragma once

#include "daemon/helpers/http_text.h"
#include "daemon/helpers/line_filter.h"
#include "daemon/helpers/log_request.h"

#include <string>
#include <string_view>
#include <vector>

namespace procctl {

class log_writer {
public:
    // The request and the response are borrowed.
    log_writer(const log_request&, http_text&);

    // Whether bytes are passed on as they are: there is one log, and nobody looks at its lines.
    [[nodiscard]] bool is_plain() const { return is_plain_; }

    // Each answers false when the client is gone. `source` is the place of the log in the request. Lines are
    // gathered; flush() sends them.
    [[nodiscard]] bool bytes(std::string_view);
    [[nodiscard]] bool line(std::size_t source, std::string_view text, const line_facts&, std::int64_t time,
                            time_origin);
    // A word of ours: what is missing, and where to look.
    [[nodiscard]] bool note(std::size_t source, std::string_view text);
    [[nodiscard]] bool flush();

private:
    const log_request& request_;
    http_text& to_;
    std::vector<std::string> prefixes_; // of each source; empty: none have one
    bool is_plain_ = false;
    std::string gathered_;
    bool is_in_line_ = false; // the last byte sent was not a newline
};

} // namespace procctl
