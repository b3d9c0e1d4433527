// Which logs share a file system, and so an output process (output_client::settings::find_place).
#pragma once

#include "daemon/helpers/helper_runner.h"

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace procctl {

class log_places {
public:
    using answer = std::function<void(std::string place)>;

    // Borrowed.
    explicit log_places(helper_runner& helpers) : helpers_(helpers) {}

    // Answers with the number of the device, from memory or when a helper has found it. A folder that does
    // not answer within two seconds is a place of its own: whatever it is, it holds up nobody else.
    void find(const std::string& path, answer);
    // Something may have been mounted since.
    void forget_all() { known_.clear(); }

private:
    struct question {
        std::vector<answer> asked_by;
        helper_runner::watch_token helper;
    };

    helper_runner& helpers_;
    std::unordered_map<std::string, std::string> known_; // by folder
    std::unordered_map<std::string, question> asked_;    // likewise, on their way
};

} // namespace procctl
