// Compresses a rotated log, so that at every moment the whole of it is there under one of its two names.
//
// What is written goes to a hidden file beside it, ".web.log.2.gz.part" of "web.log.2"; once that is on the
// disk it takes its name, "web.log.2.gz", and the uncompressed file is removed. A half that nobody works on
// any more is removed when the next file of that log is compressed.
#pragma once

#include "common/result.h"

#include <string>

namespace procctl {

// The new file has the owner, the mode and the time of the old one, by which who follows the log knows it
// again. That there is no such file, because it was compressed before or was one too many, is no error. On an
// error the file stays as it is. Nothing may write to the file; when something does, that is an error.
[[nodiscard]] result<void> compress_file(const std::string& path);

} // namespace procctl
