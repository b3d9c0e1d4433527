#include "daemon/output/line_mover.h"

#include "daemon/output/file_line_mover.h"
#include "daemon/output/message_line_mover.h"
#include "daemon/output/target.h"

#include <utility>

namespace procctl::output {
namespace {

class target_sink final : public byte_sink {
public:
    explicit target_sink(std::shared_ptr<target> file) : file_(std::move(file)) {}
    [[nodiscard]] outcome put(std::string_view bytes, wall_time now) override
    {
        return file_->put(bytes, now);
    }
    [[nodiscard]] int descriptor() const override { return file_->descriptor(); }
    void close() override { file_->close(); }

private:
    std::shared_ptr<target> file_;
};

} // namespace

bool line_mover::is_needed(const stream_settings& s)
{
    return s.sink != stream_sink::file || s.format != log_format::raw || s.timestamps != log_timestamps::none;
}

std::unique_ptr<line_mover> line_mover::make(const stream_settings& s, std::shared_ptr<target> file)
{
    if (s.sink != stream_sink::file) return message_line_mover::make(s);
    return file_line_mover::make(s, std::make_unique<target_sink>(std::move(file)));
}

} // namespace procctl::output
