#include "daemon/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

namespace procctl {
namespace {

// One thread: a mutex would be for nothing.
class line_sink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    explicit line_sink(std::function<void(std::string_view)> write) : write_(std::move(write)) {}

protected:
    void sink_it_(const spdlog::details::log_msg& message) override
    {
        line_.clear();
        formatter_->format(message, line_);
        write_(std::string_view(line_.data(), line_.size()));
    }
    void flush_() override {}

private:
    std::function<void(std::string_view)> write_;
    spdlog::memory_buf_t line_; // kept, so that a line costs no allocation
};

} // namespace

struct daemon_log::impl {
    std::shared_ptr<line_sink> sink;
    spdlog::logger logger;
};

daemon_log::daemon_log(std::string_view level, std::function<void(std::string_view)> write)
{
    auto sink = std::make_shared<line_sink>(std::move(write));
    impl_ = std::make_unique<impl>(impl{sink, spdlog::logger("procctld", sink)});
    // No end of line: the writer of lines adds it.
    impl_->logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%d %H:%M:%S.%e %l %v", spdlog::pattern_time_type::local, ""));
    const spdlog::level::level_enum parsed = spdlog::level::from_str(std::string(level));
    impl_->logger.set_level(parsed == spdlog::level::off ? spdlog::level::info : parsed);
}

daemon_log::~daemon_log() = default;

// The text is never a format string: a program's name may hold no brace, an error message may.
void daemon_log::debug(std::string_view message) { impl_->logger.debug(message); }
void daemon_log::info(std::string_view message) { impl_->logger.info(message); }
void daemon_log::warning(std::string_view message) { impl_->logger.warn(message); }
void daemon_log::error(std::string_view message) { impl_->logger.error(message); }

} // namespace procctl
