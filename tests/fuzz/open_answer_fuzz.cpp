// What a helper that was to open files answers, were it broken: an error, or a number of files that it was
// asked for.
#include "daemon/helpers/open_task.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace procctl;
    const stream_choices choices{.standard_output = {output_kind::file, "/a"},
                                 .standard_error = {output_kind::append, "/b"}};
    helper_delivery delivery{.text = {reinterpret_cast<const char*>(data), size}, .descriptors = {}};
    const auto outcome = take_opened_files(choices, std::move(delivery));
    const auto* const failure = std::get_if<open_failure>(&outcome);
    if (failure == nullptr || failure->errno_value < 0 || failure->sentence.empty()) std::abort();
    return 0;
}
