// A PID file, read in a helper because it may lie on a disk that hangs, and because one may have to wait for
// it.
#include "daemon/helpers/helper_main.h"
#include "daemon/helpers/pid_file.h"
#include "daemon/helpers/tasks.h"

#include <boost/json.hpp>

#include <cstdlib>
#include <iostream>

#include <unistd.h>

namespace procctl {
namespace {

namespace json = boost::json;

} // namespace

std::vector<std::string> pid_file_task(const std::string& path, bool waits, int refused)
{
    return {"pid-file", waits ? "wait" : "look", path, std::to_string(refused)};
}

int run_pid_file_task(std::span<const std::string> arguments)
{
    if (arguments.size() != 3) return 2;
    const std::string& path = arguments[1];
    pid_file_answer answer;
    const auto use = [&](const pid_file& found) {
        answer.pid = found.pid;
        answer.is_trusted = found.is_trusted;
    };
    if (arguments[0] == "wait") {
        const auto found = wait_for_pid_file(path, STDOUT_FILENO, std::atoi(arguments[2].c_str()));
        if (!found) return 1; // nobody wants to know any more
        use(*found);
    } else {
        const auto found = read_pid_file(path);
        if (found)
            use(*found);
        else
            answer.problem = found.error().message();
    }
    std::cout << json::object{{"pid", answer.pid},
                              {"is_trusted", answer.is_trusted},
                              {"problem", answer.problem}}
              << std::flush;
    return std::cout ? 0 : 1;
}

result<pid_file_answer> pid_file_answer_from_json(std::string_view text)
try {
    const json::value parsed = json::parse(json::string_view(text.data(), text.size()));
    return pid_file_answer{.pid = json::value_to<int>(parsed.at("pid")),
                           .is_trusted = parsed.at("is_trusted").as_bool(),
                           .problem = json::value_to<std::string>(parsed.at("problem"))};
} catch (const std::exception& failure) {
    return make_error(std::string("cannot understand a helper's answer: ") + failure.what());
}

} // namespace procctl
