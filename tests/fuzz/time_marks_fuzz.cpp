// Whatever is in a file of time marks: what is read rises, and what is asked of it stays within it.
#include "common/time_marks.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

using namespace procctl;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::int64_t time = 0;
    std::uint64_t offset = 0;
    if (size < sizeof time + sizeof offset) return 0;
    std::memcpy(&time, data, sizeof time);
    std::memcpy(&offset, data + sizeof time, sizeof offset);
    const std::string_view content(reinterpret_cast<const char*>(data) + sizeof time + sizeof offset,
                                   size - sizeof time - sizeof offset);
    const time_marks read = read_time_marks(content);
    if (read.marks.size() * sizeof(time_mark) > content.size()) std::abort();
    time_mark before;
    for (const time_mark& m : read.marks) {
        if (m.offset < before.offset || m.time < before.time) std::abort();
        before = m;
    }
    const std::uint64_t since = offset_since(read.marks, time);
    if (since > before.offset || since > offset_until(read.marks, time)) std::abort();
    if (time_at(read.marks, offset) > before.time) std::abort();
    if (offset_since(read.marks, time_at(read.marks, offset)) > offset) std::abort();
    return 0;
}
