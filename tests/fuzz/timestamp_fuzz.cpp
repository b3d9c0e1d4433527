// Times from the command line and before the lines of logs: what is read is written and read again as the
// same.
#include "common/timestamp.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace procctl;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    constexpr std::int64_t now = 1'795'197'389'000'000;
    if (const auto time = parse_timestamp(text, now);
        time && (*time < 0 || parse_timestamp(format_rfc3339(*time), now).value() != *time))
        std::abort();
    if (const auto found = read_leading_time(text); found && (found->time < 0 || found->size > size))
        std::abort();
    return 0;
}
