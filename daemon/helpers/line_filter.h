// Which lines of a log are wanted: by their own time, their stream, and a regular expression.
#pragma once

#include "common/log_selection.h"
#include "common/result.h"
#include "daemon/helpers/log_line.h"

#include <memory>
#include <string>

namespace procctl {

class line_filter {
public:
    // Errors: the pattern is none; the sentence is regerror(3)'s. A pattern without an upper-case letter
    // matches both cases, as journalctl's --grep has it.
    [[nodiscard]] static result<line_filter> make(const log_selection&);

    line_filter(line_filter&&) noexcept;
    line_filter& operator=(line_filter&&) noexcept;
    ~line_filter();

    // False: every line passes.
    [[nodiscard]] bool is_needed() const;
    // A line that does not say its time, or its stream, is not refused for that.
    [[nodiscard]] bool passes(const line_facts&) const;

private:
    struct expression;
    line_filter();

    log_selection what_;
    std::unique_ptr<expression> pattern_; // none: any text
};

} // namespace procctl
