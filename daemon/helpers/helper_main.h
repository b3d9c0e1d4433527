// What a helper process does: `procctld --helper TASK ARGUMENTS…`. The tasks, and the words for who starts
// them.
//
// The tasks may block, on a disk, a directory service or a slow reader; that is what they are for.
#pragma once

#include "common/result.h"
#include "daemon/config/load.h"
#include "daemon/core/program_config.h"
#include "daemon/core/specifiers.h"
#include "daemon/helpers/read_log.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace procctl {

// --- Tasks, as argument lists for helper_runner.

// Loads settings and conf.d; answers with load_result as JSON.
[[nodiscard]] std::vector<std::string> load_task(const load_request&);
// Looks up the identity of one program; answers with a load_result that holds nothing but that identity.
[[nodiscard]] std::vector<std::string> identity_task(const program_config&);
// The same for who owns the files of its log; log_owner_key(config) is not empty.
[[nodiscard]] std::vector<std::string> log_owner_task(const program_config&);
// Reads environment files; answers with environment_answer as JSON.
[[nodiscard]] std::vector<std::string> environment_task(std::span<const environment_file>);
// Looks whether paths exist; answers with conditions_answer as JSON. Specifiers are expanded already.
[[nodiscard]] std::vector<std::string> conditions_task(std::span<const path_condition> conditions,
                                                       std::span<const path_condition> asserts);
// Finds out which process a PID file names; answers with pid_file_answer as JSON. With `waits` it does so
// only when there is one: for helper_runner::watch.
[[nodiscard]] std::vector<std::string> pid_file_task(const std::string& path, bool waits, int refused = 0);
// Opening what a program's standard streams are to be: open_task.h.
// Answers with the number of the device that a folder is on, or will be: "8:1".
[[nodiscard]] std::vector<std::string> place_task(const std::string& folder);
// Writes the last lines of log files as an HTTP response to the socket that is its standard input.
[[nodiscard]] std::vector<std::string> log_task(std::span<const log_source>, unsigned lines, bool follow);
// Writes the text of entries of configuration files, likewise.
[[nodiscard]] std::vector<std::string> source_task(std::span<const text_source>);

// --- Answers.

struct environment_answer {
    environment variables; // of all files, later ones override
    std::string missing;   // a file that had to be there and could not be read, with the reason; empty: none
    std::vector<std::string> complaints; // lines that were skipped
};
[[nodiscard]] result<environment_answer> environment_answer_from_json(std::string_view);

struct conditions_answer {
    bool condition_met = true;
    bool assert_met = true;
    std::string unmet; // the path that decided it when one of them is not met, with its prefixes
};
[[nodiscard]] result<conditions_answer> conditions_answer_from_json(std::string_view);

struct pid_file_answer {
    int pid = 0; // above 1, and alive a moment ago; 0: the file names none
    // The file belongs to root, and no link of another user's leads there: only then may it name a process
    // that is not the program's own.
    bool is_trusted = false;
    std::string problem; // why there is no pid
};
[[nodiscard]] result<pid_file_answer> pid_file_answer_from_json(std::string_view);

// The helper's main function; `arguments` begin with the task. Returns the exit status.
[[nodiscard]] int helper_main(const std::vector<std::string>& arguments);

} // namespace procctl
