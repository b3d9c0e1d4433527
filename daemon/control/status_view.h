// What the control API says of an instance: its status with the API's names and numbers, and the
// configuration it runs with. Pure.
#pragma once

#include "common/protocol.h"
#include "daemon/control/output_view.h"
#include "daemon/core/supervisor.h"

#include <string>

namespace procctl {

// What the core does not know of an instance (backend.h).
struct outside_view {
    output_view output;
    std::string note;
    std::string control_group{};
    unsigned stored_descriptors = 0;
};

[[nodiscard]] protocol::program_status view_of(const instance&, const outside_view&, const instant& now);

// Everything `procctl show` prints: the status, then every key of the program's configuration that the status
// has not named already, with its default where the program does not set it.
[[nodiscard]] protocol::properties all_properties_of(const instance&, const outside_view&,
                                                     const instant& now);

} // namespace procctl
