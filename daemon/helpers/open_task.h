// Opens the files that are to be a program's descriptors 0, 1 and 2, in a helper: opening waits for ever
// where a FIFO has nobody at its other end, a file system is frozen, or a server is gone.
#pragma once

#include "daemon/helpers/helper_runner.h"
#include "daemon/helpers/stream_files.h"
#include "daemon/os/foreign_descriptors.h"
#include "daemon/os/spawn_stage.h"

#include <array>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace procctl {

// For helper_runner::fetch. There is something to open: files_to_open(choices) is not empty.
//
// Each file is opened with the daemon's rights, whatever the program's user is, and blocks. A path that is a
// Unix stream socket is connected to. Folders are not made.
[[nodiscard]] std::vector<std::string> open_task(const stream_choices&);

struct opened_files {
    foreign_descriptors files;                  // close-on-exec; closed with this
    std::array<int, 3> standard = {-1, -1, -1}; // borrowed from `files`, for spawn_request; -1: no file
};

// Why nothing was opened: what was before the file that failed is closed again.
struct open_failure {
    spawn_stage stage = spawn_stage::none; // standard_input, standard_output or standard_error
    int errno_value = 0;                   // 0: the helper itself failed
    std::string sentence;                  // "cannot open standard output /x/y: Permission denied"
};

// What the helper has brought for the same choices. A helper that has failed is a failure of the first
// stream.
[[nodiscard]] std::variant<opened_files, open_failure> take_opened_files(const stream_choices&,
                                                                         result<helper_delivery>);

// The text of such an answer.
struct open_answer {
    std::size_t opened = 0; // so many files, in order
    int errno_value = 0;    // why the next one could not be opened; 0: all are
};
[[nodiscard]] result<open_answer> open_answer_from_json(std::string_view);

} // namespace procctl
