// Random numbers from the kernel, for identifiers that must not repeat from one run to the next.
#pragma once

#include <cstdint>

namespace procctl {

[[nodiscard]] std::uint64_t random_number();

} // namespace procctl
