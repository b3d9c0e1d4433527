// Whatever the previous daemon left behind: reading it gives a snapshot or an error, and what was read is
// written and read again as the same, and can be gone on with.
#include "daemon/core/snapshot.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace procctl;
    const auto read = read_snapshot({reinterpret_cast<const char*>(data), size});
    if (!read) return 0;
    const std::string text = write_snapshot(*read);
    const auto again = read_snapshot(text);
    if (!again || write_snapshot(*again) != text) std::abort();

    supervisor programs(*again);
    const instant now{time_point{} + std::chrono::hours(1), wall_time{} + std::chrono::hours(1)};
    programs.on_time(now);
    for (const instance_id id : programs.all()) {
        const instance_status before = programs.find(id)->status;
        orders out;
        programs.request(id, job_kind::reload, now, out);
        programs.on(id, process_exited{before.control_serial, {}, false}, now);
        programs.on(id, process_exited{before.main_serial, {}, true}, now);
        programs.on(id, processes_gone{}, now);
        programs.request(id, job_kind::restart, now, out);
    }
    programs.shut_down(now);
    programs.hurry(now);
    return 0;
}
