#include "daemon/output/start_process.h"

#include "daemon/os/spawn.h"

#include <unistd.h>

namespace procctl::output {

result<started> start_process(const std::string& executable, int socket)
{
    spawn_request request;
    request.argv = {"procctld", "--output-process"};
    request.candidates = {executable};
    for (char** variable = environ; *variable != nullptr; ++variable)
        request.envp.emplace_back(*variable);
    request.standard_input = socket;
    request.standard_output = STDOUT_FILENO;
    request.standard_error = STDERR_FILENO;
    auto child = spawn(request);
    if (!child) return child.error();
    started got{child->pid, std::move(child->pidfd), {}};
    if (child->failed_stage != spawn_stage::none)
        got.problem = make_error(child->failed_errno, "cannot start the output process " + executable + ": " +
                                                          std::string(to_text(child->failed_stage)));
    return got;
}

} // namespace procctl::output
