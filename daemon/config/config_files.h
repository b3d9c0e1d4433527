// Reading configuration files as someone who does not trust what lies there: a FIFO does not block, a huge
// file is not read, and a daemon that runs as root does not obey a file that others could have written.
#pragma once

#include "daemon/core/diagnostic.h"

#include <optional>
#include <string>
#include <vector>

namespace procctl {

// The text of a file, which may be a link to one. What is wrong is reported for the file as a whole.
// `check_ownership`: refuse when the file or the folder it really lies in is writable by everyone or by a
// group other than root's, or belongs to neither root nor this process's user.
[[nodiscard]] std::optional<std::string> read_config_file(const std::string& path, bool check_ownership,
                                                          diagnostics& out);

// The same check for a folder. False: reported.
[[nodiscard]] bool check_folder_ownership(const std::string& path, diagnostics& out);

// The *.yaml of a folder in name order, with the folder's path. Names that are near (*.yml, worker.yaml~) are
// reported as warnings, other files and hidden ones are no concern of ours. A folder that is missing is a
// warning, one that cannot be read an error.
[[nodiscard]] std::vector<std::string> list_config_files(const std::string& folder, diagnostics& out);

} // namespace procctl
