// What can happen to a stream's file beside its bytes: told to the daemon, for its log.
#pragma once

#include <cstdint>

namespace procctl::output {

enum class notice_kind : std::uint8_t {
    rotated,       // the path is the rotated file's
    recreated,     // the file had been deleted or moved away by others, and was begun anew
    cannot_rotate, // errno says why; it is written on, and tried again
    cannot_own,    // errno says why it does not belong to whom it should
};

} // namespace procctl::output
