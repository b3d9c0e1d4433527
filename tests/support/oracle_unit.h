// The oracle's units as programs of ours, by the directive names of the key table.
#pragma once

#include "daemon/core/program_config.h"
#include "tests/support/oracle.h"

#include <string>
#include <vector>

namespace procctl::oracle {

struct translated_unit {
    program_config program;
    std::string errors;            // why our loader refuses it; empty: it does not
    std::vector<directive> others; // the directives that are no keys of ours, in order
};

// %t, %p and %n are replaced by the simulation's runtime folder and by the name.
[[nodiscard]] translated_unit translate_unit(const std::string& unit, const std::string& name = "unit");

// Whether the unit depends on another one (Requires=, After= …), which is no part of this version.
[[nodiscard]] bool has_dependencies(const translated_unit&);

// The file whose coming and going the steps `touch flag` and `rm flag` mean.
[[nodiscard]] std::string flag_of(const std::string& name);

} // namespace procctl::oracle
