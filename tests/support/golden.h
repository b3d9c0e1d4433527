// Compares a text with tests/golden/<name>. UPDATE_GOLDEN=1 rewrites the file; people read the diff.
#pragma once

#include "tests/support/catch.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace procctl::test {

inline void check_golden(const std::string& name, const std::string& ours)
{
    const std::string path = std::string(PROCCTL_SOURCE_DIR "/tests/golden/") + name;
    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << ours;
    std::ifstream file(path);
    const std::string agreed{std::istreambuf_iterator<char>(file), {}};
    INFO("golden file " << path << "; UPDATE_GOLDEN=1 rewrites it");
    CHECK(ours == agreed);
}

} // namespace procctl::test
