// Has rotated logs compressed, one after the other, by helpers of low priority.
#pragma once

#include "daemon/helpers/helper_runner.h"

#include <deque>
#include <functional>
#include <string>

namespace procctl {

class log_compressor {
public:
    // `helpers` is borrowed; `warn` gets a sentence for the log.
    log_compressor(helper_runner& helpers, std::function<void(const std::string&)> warn)
        : helpers_(helpers), warn_(std::move(warn))
    {
    }

    // A file that is not there any more when its turn comes is no mistake: it was one too many.
    void add(std::string rotated_file);

private:
    void next();

    helper_runner& helpers_;
    std::function<void(const std::string&)> warn_;
    std::deque<std::string> waiting_;
    helper_runner::watch_token at_work_;
    bool is_at_work_ = false;
};

} // namespace procctl
