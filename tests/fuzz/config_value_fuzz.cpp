// The canonical JSON of configuration values, and programs made of whatever it holds.
#include "daemon/core/config_value.h"
#include "daemon/core/program_keys.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace procctl;
    const auto value = config_value_from_json({reinterpret_cast<const char*>(data), size});
    if (!value) return 0;
    const auto again = config_value_from_json(to_json(*value));
    if (!again || !same_value(*again, *value)) std::abort();
    diagnostics problems;
    const program_config program = parse_program("p", *value, "f", problems);
    if (has_errors(problems)) return 0;
    const config_value canonical = format_program(program);
    if (parse_program("p", canonical, "f", problems) != program || has_errors(problems)) std::abort();
    return 0;
}
