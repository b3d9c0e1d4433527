// What the daemon asks of the log helper: what is read is written and read again as the same, whichever
// stream is chosen.
#include "daemon/helpers/log_request.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace procctl;
    auto request = log_request_from_json({reinterpret_cast<const char*>(data), size});
    if (!request) return 0;
    const auto again = log_request_from_json(to_json(*request));
    if (!again || !(*again == *request)) std::abort();
    const std::string wanted = request->what.stream;
    if (select_stream(*request) || wanted.empty()) return 0;
    for (const log_source& s : request->sources)
        if (!s.stream.empty() && s.stream != wanted) std::abort();
    return 0;
}
