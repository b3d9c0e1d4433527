#include "daemon/core/natural_order.h"

#include <cstddef>

namespace procctl {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct number {
    std::size_t zeros; // that lead
    std::string_view digits;
};

// The run of digits at `at`, which moves behind it.
number take_number(std::string_view text, std::size_t& at)
{
    const std::size_t begin = at;
    while (at < text.size() && text[at] == '0')
        ++at;
    const std::size_t first = at;
    while (at < text.size() && is_digit(text[at]))
        ++at;
    return {first - begin, text.substr(first, at - first)};
}

} // namespace

std::strong_ordering compare_naturally(std::string_view a, std::string_view b)
{
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.size() && j < b.size()) {
        if (is_digit(a[i]) && is_digit(b[j])) {
            const number left = take_number(a, i);
            const number right = take_number(b, j);
            if (const auto order = left.digits.size() <=> right.digits.size(); order != 0) return order;
            if (const auto order = left.digits <=> right.digits; order != 0) return order;
            // At once, not at the end of the names: the instances of w01 and of w1 stay apart.
            if (const auto order = left.zeros <=> right.zeros; order != 0) return order;
        } else {
            const auto order = static_cast<unsigned char>(a[i++]) <=> static_cast<unsigned char>(b[j++]);
            if (order != 0) return order;
        }
    }
    return (a.size() - i) <=> (b.size() - j);
}

} // namespace procctl
