// What formatted lines are written to: a file, most of all.
#pragma once

#include "common/time.h"
#include "daemon/output/outcome.h"

#include <string_view>

namespace procctl::output {

class byte_sink {
public:
    byte_sink() = default;
    byte_sink(const byte_sink&) = delete;
    byte_sink& operator=(const byte_sink&) = delete;
    virtual ~byte_sink() = default;

    // Appends the bytes. outcome::bytes: how many of them were written, from the first on, whatever the
    // status; the others are the caller's to keep. Fewer than all with status::moved means that the rest may
    // be tried at once. Never waits, but for a disk.
    [[nodiscard]] virtual outcome put(std::string_view bytes, wall_time now) = 0;
    [[nodiscard]] virtual int descriptor() const = 0; // -1: none is open
    virtual void close() = 0;                         // opened anew by the next put()
};

} // namespace procctl::output
