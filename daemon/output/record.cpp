#include "daemon/output/record.h"

#include <atomic>
#include <cstring>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace procctl::output {
namespace {

constexpr std::size_t page = 4096;

constexpr std::size_t offset_of(std::uint32_t slot)
{
    return sizeof(record_header) + slot * sizeof(record_slot);
}

} // namespace

result<unique_fd> make_record()
{
    unique_fd record(::memfd_create("procctl-output-record", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!record) return last_error("cannot make the output record");
    record_header header;
    std::memcpy(header.magic, record_magic, sizeof header.magic);
    header.version = record_version;
    header.slot_size = sizeof(record_slot);
    if (::ftruncate(record.get(), page) < 0 ||
        ::pwrite(record.get(), &header, sizeof header, 0) != ssize_t{sizeof header})
        return last_error("cannot write the output record");
    // A mapping of what was cut off would be a SIGBUS.
    if (::fcntl(record.get(), F_ADD_SEALS, F_SEAL_SHRINK) < 0)
        return last_error("cannot seal the output record");
    return record;
}

result<void> grow_record(int record, std::uint32_t slot)
{
    struct stat now {};
    const std::size_t needed = (offset_of(slot + 1) + page - 1) / page * page;
    if (::fstat(record, &now) < 0) return last_error("cannot look at the output record");
    if (static_cast<std::size_t>(now.st_size) >= needed) return {};
    if (::ftruncate(record, static_cast<off_t>(needed)) < 0)
        return last_error("cannot make the output record larger");
    return {};
}

result<record_slot> read_slot(int record, std::uint32_t slot)
{
    // Being written takes a few instructions; a writer killed in between leaves the sequence odd for ever,
    // and then the slot is given as it is: its numbers are single stores, so none is torn.
    record_slot got;
    for (int attempt = 0; attempt < 100; ++attempt) {
        record_slot again;
        if (::pread(record, &got, sizeof got, static_cast<off_t>(offset_of(slot))) != ssize_t{sizeof got} ||
            ::pread(record, &again, sizeof again, static_cast<off_t>(offset_of(slot))) !=
                ssize_t{sizeof again})
            return last_error("cannot read the output record");
        if (got.sequence % 2 == 0 && got.sequence == again.sequence) break;
    }
    return got;
}

result<void> write_since(int record, std::uint32_t slot, std::uint64_t since)
{
    // One aligned number, which a reader sees whole.
    const auto at = static_cast<off_t>(offset_of(slot) + offsetof(record_slot, since));
    if (::pwrite(record, &since, sizeof since, at) != ssize_t{sizeof since})
        return last_error("cannot write the output record");
    return {};
}

record_writer::~record_writer()
{
    if (memory_ != nullptr) ::munmap(memory_, size_);
}

result<void> record_writer::map(unique_fd record)
{
    record_ = std::move(record);
    const auto first = at(0);
    if (!first) return first.error();
    record_header header;
    std::memcpy(&header, memory_, sizeof header);
    if (std::memcmp(header.magic, record_magic, sizeof header.magic) != 0)
        return make_error("cannot use the output record: it is something else");
    if (header.version != record_version || header.slot_size != sizeof(record_slot))
        return make_error("cannot use the output record: it is of another version");
    return {};
}

result<record_slot*> record_writer::at(std::uint32_t slot)
{
    if (offset_of(slot + 1) > size_) {
        struct stat now {};
        if (::fstat(record_.get(), &now) < 0) return last_error("cannot look at the output record");
        const auto size = static_cast<std::size_t>(now.st_size);
        if (offset_of(slot + 1) > size) return make_error("cannot use the output record: no such slot");
        void* const memory = memory_ == nullptr
                                 ? ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, record_.get(), 0)
                                 : ::mremap(memory_, size_, size, MREMAP_MAYMOVE);
        if (memory == MAP_FAILED) return last_error("cannot map the output record");
        memory_ = static_cast<char*>(memory);
        size_ = size;
    }
    return reinterpret_cast<record_slot*>(memory_ + offset_of(slot));
}

void write_busy_since(record_slot& to, std::uint64_t nanoseconds)
{
    // One number, which a reader sees whole: no bracket.
    std::atomic_ref(to.since).store(nanoseconds, std::memory_order_release);
}

std::uint64_t read_since(record_slot& slot)
{
    return std::atomic_ref(slot.since).load(std::memory_order_acquire);
}

void write_slot(record_slot& to, const record_slot& from)
{
    // The fences keep the compiler and the processor from moving the numbers out of the bracket.
    const std::uint32_t sequence = to.sequence | 1U; // a predecessor may have been killed in the middle
    to.sequence = sequence;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    to.stream = from.stream;
    to.state = from.state;
    to.errno_value = from.errno_value;
    to.dev = from.dev;
    to.ino = from.ino;
    to.position = from.position;
    to.moved = from.moved;
    to.dropped = from.dropped;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    to.sequence = sequence + 1;
}

} // namespace procctl::output
