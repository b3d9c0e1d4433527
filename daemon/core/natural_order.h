// The order in which people expect names: worker@2 before worker@10.
#pragma once

#include <compare>
#include <string_view>

namespace procctl {

// Runs of digits compare as numbers, of any length; everything else byte by byte. Two names are equal in this
// order only if they are the same bytes.
[[nodiscard]] std::strong_ordering compare_naturally(std::string_view a, std::string_view b);

struct natural_less {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return compare_naturally(a, b) < 0; }
};

} // namespace procctl
