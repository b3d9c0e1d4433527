// Every reader of the control API's JSON: whatever the bytes, an answer or an error; and what was read is
// written as text that reads back the same.

#include "common/protocol.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace procctl::protocol;

namespace {

template <class Read> void check_round_trip(std::string_view text, Read read)
{
    const auto value = read(text);
    if (!value) return;
    const std::string written = to_json(*value);
    const auto again = read(written);
    if (!again || to_json(*again) != written) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_round_trip(text, program_statuses_from_json);
    check_round_trip(text, error_reply_from_json);
    check_round_trip(text, job_replies_from_json);
    check_round_trip(text, update_reply_from_json);
    check_round_trip(text, daemon_status_from_json);
    check_round_trip(text, version_reply_from_json);
    check_round_trip(text, job_request_from_json);
    static_cast<void>(property_lists_from_json(text));
    // Any bytes at all are a valid JSON string once json_text has been at them.
    if (!program_statuses_from_json("[{\"name\":" + json_text(text) + "}]")) std::abort();
    return 0;
}
