#include "daemon/helpers/line_filter.h"

#include <algorithm>
#include <array>

#include <regex.h>

namespace procctl {

struct line_filter::expression {
    regex_t compiled{};

    expression() = default;
    expression(const expression&) = delete;
    expression& operator=(const expression&) = delete;
    ~expression() { ::regfree(&compiled); }

    [[nodiscard]] bool matches(std::string_view text) const
    {
        // By REG_STARTEND the text has a length and need not end with NUL.
        regmatch_t range{};
        range.rm_eo = static_cast<regoff_t>(text.size());
        const char* const begin = text.data() == nullptr ? "" : text.data();
        return ::regexec(&compiled, begin, 0, &range, REG_STARTEND) == 0;
    }
};

line_filter::line_filter() = default;
line_filter::line_filter(line_filter&&) noexcept = default;
line_filter& line_filter::operator=(line_filter&&) noexcept = default;
line_filter::~line_filter() = default;

result<line_filter> line_filter::make(const log_selection& what)
{
    line_filter out;
    out.what_ = what;
    if (!what.pattern) return out;
    // glibc would take them, and may need for ever then. An escaped backslash before a digit is none.
    for (std::size_t at = what.pattern->find('\\'); at != std::string::npos;
         at = what.pattern->find('\\', at + 2))
        if (at + 1 < what.pattern->size() && (*what.pattern)[at + 1] >= '1' && (*what.pattern)[at + 1] <= '9')
            return make_error("the pattern '" + *what.pattern +
                              "' has a back-reference (\\1); extended regular expressions have none");
    const bool has_upper = std::ranges::any_of(*what.pattern, [](char c) { return c >= 'A' && c <= 'Z'; });
    // regcomp(3) leaves nothing to free when it fails.
    regex_t compiled{};
    const int bad = ::regcomp(&compiled, what.pattern->c_str(), REG_EXTENDED | (has_upper ? 0 : REG_ICASE));
    if (bad != 0) {
        std::array<char, 200> why{};
        ::regerror(bad, &compiled, why.data(), why.size());
        return make_error("the pattern '" + *what.pattern +
                          "' is not an extended regular expression: " + why.data());
    }
    out.pattern_ = std::make_unique<expression>();
    out.pattern_->compiled = compiled;
    return out;
}

bool line_filter::is_needed() const
{
    return pattern_ || what_.since || what_.until || !what_.stream.empty();
}

bool line_filter::passes(const line_facts& line) const
{
    if (line.time != 0 && what_.since && line.time < *what_.since) return false;
    if (line.time != 0 && what_.until && line.time > *what_.until) return false;
    if (!line.stream.empty() && !what_.stream.empty() && line.stream != what_.stream) return false;
    return !pattern_ || pattern_->matches(line.message);
}

} // namespace procctl
