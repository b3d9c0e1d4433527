// The output record: where each stream's file stood, kept in memory that outlives the output process.
//
// A memfd, made by the daemon and mapped by its output processes; a slot has one writer, but for a number
// that is the daemon's. A successor finds in it how much each stream has moved in all, and which file it
// wrote up to where; docs/output.md has the format and says what may be concluded from it. The daemon, and a
// next daemon, may read it at any time.
#pragma once

#include "common/result.h"
#include "common/unique_fd.h"
#include "daemon/output/stream_id.h"

#include <cstddef>
#include <cstdint>

namespace procctl::output {

inline constexpr char record_magic[8] = {'p', 'r', 'o', 'c', 'o', 'u', 't', '\n'};
inline constexpr std::uint32_t record_version = 2;

struct record_header {
    char magic[8] = {};
    std::uint32_t version = 0;
    std::uint32_t slot_size = 0;
    std::uint32_t unused[12] = {};
};

enum class slot_state : std::uint32_t {
    free,
    working,    // a stream
    in_trouble, // a stream that cannot be written
    process,    // an output process itself: `since` is all that is said
};

struct record_slot {
    std::uint32_t sequence = 0; // odd while the slot is being written
    stream_id stream = 0;
    slot_state state = slot_state::free;
    std::int32_t errno_value = 0;   // of the trouble
    std::uint64_t dev = 0, ino = 0; // of the file; 0 while none is open
    std::uint64_t position = 0; // in that file, after the last byte moved; 0 when it is not a regular file
    std::uint64_t moved = 0;    // bytes of this stream written in all, whichever process and file
    std::uint64_t dropped = 0;  // bytes thrown away because they could not be written
    // Of a process: CLOCK_MONOTONIC ns, since when it has been at one thing; 0: it rests. Of a stream, and
    // written by the daemon: a run writes to it that began after so many bytes minus one; 0: no run writes;
    // 1: one does, and it is not known since when.
    std::uint64_t since = 0;
};
static_assert(sizeof(record_header) == 64 && sizeof(record_slot) == 64);

// An empty record, with its header.
[[nodiscard]] result<unique_fd> make_record();
// Makes room for slots 0 to `slot`. The daemon's job, before it hands the slot out.
[[nodiscard]] result<void> grow_record(int record, std::uint32_t slot);
// A copy of a slot that is whole, for readers other than the output process.
[[nodiscard]] result<record_slot> read_slot(int record, std::uint32_t slot);

// Says in a stream's slot since when a run writes to it. The daemon's job, before the run begins.
[[nodiscard]] result<void> write_since(int record, std::uint32_t slot, std::uint64_t since);

// The output process's view: mapped and writable.
class record_writer {
public:
    record_writer() = default;
    record_writer(record_writer&&) = delete;
    record_writer& operator=(record_writer&&) = delete;
    ~record_writer();

    [[nodiscard]] result<void> map(unique_fd record);
    // The slot, which stays valid until the next call of at(). An error when the record has no such slot.
    [[nodiscard]] result<record_slot*> at(std::uint32_t slot);

private:
    unique_fd record_;
    char* memory_ = nullptr;
    std::size_t size_ = 0;
};

// Says in a process's slot that it begins something that a disk may hold up, or that it rests (0).
void write_busy_since(record_slot&, std::uint64_t nanoseconds);
// What the daemon has said in a stream's slot.
[[nodiscard]] std::uint64_t read_since(record_slot&);

// Writes a slot so that a reader, or a successor after a SIGKILL, can tell whether it is whole.
void write_slot(record_slot& to, const record_slot& from);

} // namespace procctl::output
