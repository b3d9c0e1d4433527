// Compresses a rotated log. It takes its time: whatever else wants the processor or the disk goes first.
#include "daemon/helpers/compress.h"
#include "daemon/helpers/helper_main.h"
#include "daemon/helpers/tasks.h"

#include <iostream>

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace procctl {
namespace {

// What the kernel does not grant is done without: it is courtesy, nothing else.
void yield_to_others()
{
    static constexpr int last_nice = 19;
    ::setpriority(PRIO_PROCESS, 0, last_nice);
    const sched_param none{};
    ::sched_setscheduler(0, SCHED_IDLE, &none);
    // ioprio_set(2), for which there is no function and no header.
    static constexpr int this_process = 1;     // IOPRIO_WHO_PROCESS
    static constexpr int idle_class = 3 << 13; // IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)
    ::syscall(SYS_ioprio_set, this_process, 0, idle_class);
}

} // namespace

std::vector<std::string> compress_task(const std::string& path) { return {"compress", path}; }

int run_compress_task(std::span<const std::string> arguments)
{
    if (arguments.size() != 1) return 2;
    yield_to_others();
    if (const auto done = compress_file(arguments[0]); !done)
        std::cout << done.error().message() << std::flush;
    return std::cout ? 0 : 1;
}

} // namespace procctl
