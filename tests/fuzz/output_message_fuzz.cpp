// Whatever bytes come over the socket between the daemon and the output process: refused, or understood in
// one way only.
#include "daemon/output/message.h"

#include <cstdint>
#include <cstdlib>

using namespace procctl::output;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto as_order = decode_order(bytes);
    const auto as_reply = decode_reply(bytes);
    if (as_order && as_reply) std::abort();
    if (as_order && encode(*as_order) != bytes) std::abort();
    if (as_reply && encode(*as_reply) != bytes) std::abort();
    return 0;
}
