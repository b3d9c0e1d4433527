// The whole state of the core as text and back: for tests today, and for the handover to the next daemon.
//
// The format is versioned; docs/snapshot.md has its grammar. Reading foreign or damaged text gives an
// error, never a crash.
#pragma once

#include "common/result.h"
#include "daemon/core/supervisor.h"

#include <optional>
#include <string>
#include <string_view>

namespace procctl {

inline constexpr int snapshot_version = 3;

// One instance, as the snapshot holds it.
struct instance_snapshot {
    std::string name;
    unsigned number = 0;
    loaded_program program;
    instance_status status;
    std::optional<loaded_program> next_program; // as in instance
    bool removed = false;
};

struct supervisor_snapshot {
    std::uint64_t run = 0;
    std::uint64_t last_serial = 0;
    bool is_shutting_down = false;
    std::vector<instance_snapshot> instances;
};

[[nodiscard]] std::string write_snapshot(const supervisor_snapshot&);
[[nodiscard]] result<supervisor_snapshot> read_snapshot(std::string_view text);

} // namespace procctl
