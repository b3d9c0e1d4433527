// What a helper answers, were it broken: an error, or a configuration that is written and read again as the
// same.
#include "daemon/config/load.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace procctl;
    const auto loaded = load_result_from_json({reinterpret_cast<const char*>(data), size});
    if (!loaded) return 0;
    const std::string json = to_json(*loaded);
    const auto again = load_result_from_json(json);
    if (!again || to_json(*again) != json) std::abort();
    return 0;
}
