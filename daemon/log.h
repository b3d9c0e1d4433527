// The daemon's own log: one line an event, in words for people. It never blocks: lines go to the output
// process.
//
// spdlog formats and filters; what is written where is the sink's business (output_client::log_line).
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace procctl {

class daemon_log {
public:
    // `level`: trace, debug, info, warning or error; anything else counts as info. `write` gets lines without
    // a newline.
    daemon_log(std::string_view level, std::function<void(std::string_view line)> write);
    ~daemon_log();
    daemon_log(const daemon_log&) = delete;
    daemon_log& operator=(const daemon_log&) = delete;

    void debug(std::string_view message);
    void info(std::string_view message);
    void warning(std::string_view message);
    void error(std::string_view message);

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace procctl
