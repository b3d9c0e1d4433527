// The daemon: owns every part, wires them together and runs the loop.
//
// Facts come from the adapters, the core answers with orders, the executor carries them out; the API asks
// through `backend`.
#pragma once

#include "common/result.h"
#include "daemon/config/load.h"

#include <memory>

namespace procctl {

// Runs until a stop request has been carried out; returns the process's exit status: 0 after a stop, 1 when
// it could not start (the reason is then on standard error).
[[nodiscard]] int run_daemon(const load_request&);

} // namespace procctl
