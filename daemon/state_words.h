// One line of the daemon's log for a change of state, in words a person understands. Pure.
#pragma once

#include "daemon/core/supervisor.h"

#include <string>

namespace procctl {

// What is to be said when the instance has gone from one state to another; empty when nothing is worth a line
// (a state that is only passed). The instance's name is not in it.
struct state_words {
    bool is_warning = false;
    std::string text;
};
[[nodiscard]] state_words describe_change(const instance&, sub_state from, sub_state to);

} // namespace procctl
