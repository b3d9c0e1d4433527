// Whatever stands in a file of conf.d: it is read or refused with a reason, never with a crash, and what was
// read without an error survives its canonical form.
#include "daemon/config/program_file.h"
#include "daemon/config/yaml_loader.h"
#include "daemon/core/program_keys.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace procctl;
    diagnostics problems;
    const auto tree = load_yaml({reinterpret_cast<const char*>(data), size}, "f", problems);
    if (!tree) {
        if (!has_errors(problems)) std::abort();
        return 0;
    }
    const auto programs = parse_program_file(*tree, "f", problems);
    if (has_errors(problems)) return 0;
    for (const file_program& p : programs) {
        const auto canonical = config_value_from_json(to_json(format_program(p.program.config)));
        diagnostics again;
        if (!canonical || parse_program(p.program.config.name, *canonical, "f", again) != p.program.config ||
            has_errors(again))
            std::abort();
    }
    return 0;
}
