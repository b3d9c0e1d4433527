#include "daemon/log_compressor.h"

#include "daemon/helpers/helper_main.h"

#include <utility>

namespace procctl {
namespace {

// What rotates faster than it can be compressed stays as it is, and is not remembered for ever.
constexpr std::size_t most_waiting = 4096;

} // namespace

void log_compressor::add(std::string rotated_file)
{
    if (waiting_.size() >= most_waiting) waiting_.erase(waiting_.begin());
    waiting_.push_back(std::move(rotated_file));
    if (!is_at_work_) next();
}

void log_compressor::next()
{
    if (waiting_.empty()) return;
    const std::string file = std::move(waiting_.back());
    waiting_.pop_back();
    is_at_work_ = true;
    at_work_ = helpers_.watch(compress_task(file), infinity, [this, file](const result<std::string>& answer) {
        is_at_work_ = false;
        if (!answer) warn_("cannot compress " + file + ": " + answer.error().message());
        if (answer && !answer->empty()) warn_(*answer);
        next();
    });
}

} // namespace procctl
