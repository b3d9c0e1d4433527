// How the file of a log is kept: when it is rotated, what is kept of it, whose it is. A plain value.
#pragma once

#include "common/size.h"
#include "common/time.h"
#include "daemon/output/stream_settings.h"

#include <cstdint>

namespace procctl::output {

struct file_settings {
    static constexpr std::uint32_t nobody_else = UINT32_MAX;

    std::uint64_t max_size = unlimited_size;       // a file that would pass it is rotated
    std::uint64_t max_total_size = unlimited_size; // of the file and its rotated ones together
    duration max_age = infinity;                   // a file begun so long ago is rotated
    std::uint32_t keep = 10;                       // rotated files
    std::uint32_t mode = 0640;                     // of files that are made
    std::uint32_t uid = nobody_else;               // likewise; nobody_else: those of the process
    std::uint32_t gid = nobody_else;
    bool is_copied = false; // never spliced (stream_settings::is_copied)

    friend bool operator==(const file_settings&, const file_settings&) = default;
};

[[nodiscard]] file_settings file_settings_of(const stream_settings&);

} // namespace procctl::output
