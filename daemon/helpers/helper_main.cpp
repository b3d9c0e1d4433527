#include "daemon/helpers/helper_main.h"

#include "daemon/helpers/tasks.h"
#include "daemon/os/descriptors.h"

#include <array>
#include <iostream>
#include <utility>

#include <signal.h>
#include <sys/prctl.h>

namespace procctl {
namespace {

using task_function = int (*)(std::span<const std::string>);

constexpr std::array<std::pair<std::string_view, task_function>, 9> tasks{{
    {"load", run_load_task},
    {"identity", run_identity_task},
    {"environment", run_environment_task},
    {"conditions", run_conditions_task},
    {"pid-file", run_pid_file_task},
    {"open", run_open_task},
    {"place", run_place_task},
    {"log", run_log_task},
    {"source", run_source_task},
}};

} // namespace

int helper_main(const std::vector<std::string>& arguments)
{
    raise_descriptor_limit(); // it may follow the logs of thousands
    ::prctl(PR_SET_PDEATHSIG,
            SIGTERM); // a client that follows a log may stay for days; we go with the daemon
    const std::span<const std::string> words(arguments);
    if (!words.empty())
        for (const auto& [name, run] : tasks)
            if (words.front() == name) return run(words.subspan(1));
    std::cerr << "procctld --helper is for procctld itself\n";
    return 2;
}

} // namespace procctl
