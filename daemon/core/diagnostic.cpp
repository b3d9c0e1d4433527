#include "daemon/core/diagnostic.h"

#include <algorithm>

namespace procctl {

std::string diagnostic::text() const
{
    std::string out = where.file;
    if (where.line > 0) {
        out += ':' + std::to_string(where.line);
        if (where.column > 0) out += ':' + std::to_string(where.column);
    }
    if (!out.empty()) out += ": ";
    out += level == severity::error ? "error: " : "warning: ";
    return out + message;
}

bool has_errors(const diagnostics& all)
{
    return std::ranges::any_of(all, [](const diagnostic& d) { return d.level == severity::error; });
}

} // namespace procctl
