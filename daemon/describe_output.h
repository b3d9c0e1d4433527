// From what a program's streams are to what people are told of them. Pure.
#pragma once

#include "daemon/control/output_view.h"
#include "daemon/output/output_client.h"
#include "daemon/prepare_streams.h"

namespace procctl {

// `out` and `err` are how the pipes fare, where there are any.
[[nodiscard]] output_view describe_output(const prepared_streams&, log_error_action, const stream_health& out,
                                          const stream_health& err);

} // namespace procctl
