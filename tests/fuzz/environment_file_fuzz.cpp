// Environment files: assignments with good names, each once, and every complaint with its line.
#include "daemon/core/environment_file.h"

#include <cstdint>
#include <cstdlib>
#include <set>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace procctl;
    diagnostics problems;
    const environment variables =
        parse_environment_file({reinterpret_cast<const char*>(data), size}, "f", problems);
    std::set<std::string> names;
    for (const auto& [name, value] : variables) {
        if (!is_variable_name(name) || !names.insert(name).second) std::abort();
        if (value.find('\0') != std::string::npos) std::abort();
    }
    for (const diagnostic& d : problems)
        if (d.where.line < 1 || d.message.empty()) std::abort();
    return 0;
}
