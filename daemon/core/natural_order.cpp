#include "daemon/core/natural_order.h"

#include <cstddef>

namespace procctl {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The run of digits at `at`, without its leading zeros; `at` moves behind it.
std::string_view take_number(std::string_view text, std::size_t& at)
{
    while (at < text.size() && text[at] == '0')
        ++at;
    const std::size_t begin = at;
    while (at < text.size() && is_digit(text[at]))
        ++at;
    return text.substr(begin, at - begin);
}

} // namespace

std::strong_ordering compare_naturally(std::string_view a, std::string_view b)
{
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.size() && j < b.size()) {
        if (is_digit(a[i]) && is_digit(b[j])) {
            const std::string_view left = take_number(a, i);
            const std::string_view right = take_number(b, j);
            if (const auto order = left.size() <=> right.size(); order != 0) return order;
            if (const auto order = left <=> right; order != 0) return order;
        } else {
            const auto order = static_cast<unsigned char>(a[i++]) <=> static_cast<unsigned char>(b[j++]);
            if (order != 0) return order;
        }
    }
    if (const auto order = (a.size() - i) <=> (b.size() - j); order != 0) return order;
    return a <=> b; // worker@01 and worker@1
}

} // namespace procctl
