#include "daemon/helpers/log_line.h"

#include "common/protocol.h"
#include "common/timestamp.h"
#include "daemon/core/utf8.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace procctl {

bool line_splitter::next(std::string_view& piece, std::string_view& line)
{
    if (std::exchange(is_used_, false)) unfinished_.clear();
    const std::size_t room = longest_line - unfinished_.size();
    const std::size_t end = piece.substr(0, room + 1).find('\n');
    if (end == std::string_view::npos && piece.size() <= room) {
        unfinished_ += piece;
        piece = {};
        return false;
    }
    const std::size_t size = end == std::string_view::npos ? room : end;
    line = piece.substr(0, size);
    if (!unfinished_.empty()) {
        unfinished_ += line;
        line = unfinished_;
        is_used_ = true;
    }
    piece.remove_prefix(end == std::string_view::npos ? size : size + 1);
    return true;
}

bool line_splitter::finish(std::string_view& line)
{
    if (std::exchange(is_used_, false)) unfinished_.clear();
    if (unfinished_.empty()) return false;
    line = unfinished_;
    is_used_ = true;
    return true;
}

struct line_parser::json_reader {
    // Lines come by the million: their values are made in one place, over and over.
    std::array<unsigned char, 16U << 10U> space{};
    std::optional<boost::json::monotonic_resource> memory;
    std::optional<boost::json::value> value;

    const boost::json::object* parse(std::string_view line)
    {
        value.reset();
        memory.emplace(space.data(), space.size());
        boost::system::error_code bad;
        value.emplace(boost::json::parse(line, bad, &*memory));
        return bad ? nullptr : value->if_object();
    }
    static std::string_view text(const boost::json::object& from, std::string_view name)
    {
        const boost::json::value* const found = from.if_contains(name);
        const boost::json::string* const text = found == nullptr ? nullptr : found->if_string();
        return text == nullptr ? std::string_view() : std::string_view(*text);
    }
};

line_parser::line_parser(log_format format, log_timestamps timestamps) : timestamps_(timestamps)
{
    if (format == log_format::json) json_ = std::make_unique<json_reader>();
}
line_parser::~line_parser() = default;
line_parser::line_parser(line_parser&&) noexcept = default;
line_parser& line_parser::operator=(line_parser&&) noexcept = default;

line_facts line_parser::parse(std::string_view line)
{
    line_facts out{.message = line};
    if (json_) {
        const boost::json::object* const object = line.starts_with('{') ? json_->parse(line) : nullptr;
        if (object == nullptr) return out;
        out.is_object = true;
        out.stream = json_reader::text(*object, "stream");
        if (const std::string_view message = json_reader::text(*object, "message"); message.data() != nullptr)
            out.message = message;
        const std::string_view time = json_reader::text(*object, "time");
        if (const auto found = read_leading_time(time); found && found->size == time.size())
            out.time = found->time;
    } else if (timestamps_ != log_timestamps::none) {
        const auto found = read_leading_time(line);
        if (!found || (found->size < line.size() && line[found->size] != ' ')) return out;
        out.time = found->time;
        out.message.remove_prefix(std::min(found->size + 1, line.size()));
    }
    return out;
}

namespace {

std::string bytes_as_json(std::string_view bytes)
{
    std::string out = "[";
    for (const char c : bytes)
        out += (out.size() == 1 ? "" : ",") + std::to_string(static_cast<unsigned char>(c));
    return out += ']';
}

std::string identity(std::string_view program, std::string_view instance)
{
    return R"("program":)" + protocol::json_text(program) + R"(,"instance":)" + protocol::json_text(instance);
}

} // namespace

std::string line_as_json(const line_facts& line, std::string_view program, std::string_view instance,
                         std::int64_t time, time_origin origin)
{
    std::string out = "{";
    if (origin != time_origin::none)
        out += R"("time":")" + format_rfc3339(time) + R"(","time_is_from":")" +
               (origin == time_origin::line   ? "line"
                : origin == time_origin::mark ? "mark"
                                              : "reading") +
               "\",";
    out += identity(program, instance);
    if (!line.stream.empty()) out += R"(,"stream":)" + protocol::json_text(line.stream);
    const bool is_text = find_invalid_utf8(line.message) == std::string_view::npos;
    return out += R"(,"message":)" +
                  (is_text ? protocol::json_text(line.message) : bytes_as_json(line.message)) + "}\n";
}

std::string note_as_json(std::string_view note, std::string_view program, std::string_view instance)
{
    return '{' + identity(program, instance) + R"(,"note":)" + protocol::json_text(note) + "}\n";
}

} // namespace procctl
