// Has rotated logs compressed, one after the other, by helpers of low priority. The newest comes first: where
// logs are rotated faster than they can be compressed, the oldest are about to be removed anyway.
#pragma once

#include "daemon/helpers/helper_runner.h"

#include <functional>
#include <string>
#include <vector>

namespace procctl {

class log_compressor {
public:
    // `helpers` is borrowed; `warn` gets a sentence for the log.
    log_compressor(helper_runner& helpers, std::function<void(const std::string&)> warn)
        : helpers_(helpers), warn_(std::move(warn))
    {
    }

    void add(std::string rotated_file);

private:
    void next();

    helper_runner& helpers_;
    std::function<void(const std::string&)> warn_;
    std::vector<std::string> waiting_;
    helper_runner::watch_token at_work_;
    bool is_at_work_ = false;
};

} // namespace procctl
