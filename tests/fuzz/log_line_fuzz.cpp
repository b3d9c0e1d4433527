// The bytes of a log that somebody else may have written, in two pieces: lines are found where they are
// however the bytes come, what they say is read, and what is made of them is an object in one line.
#include "daemon/helpers/log_line.h"

#include <boost/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace procctl;

std::vector<std::string> lines_of(std::string_view first, std::string_view second)
{
    line_splitter splitter;
    std::vector<std::string> out;
    std::string_view line;
    for (std::string_view piece : {first, second})
        while (splitter.next(piece, line))
            out.emplace_back(line);
    if (splitter.finish(line)) out.emplace_back(line);
    return out;
}

void look_at(std::string_view line, line_parser parser)
{
    const line_facts said = parser.parse(line);
    if (said.time < 0) std::abort();
    const std::string object = line_as_json(said, "p", "p@1", said.time, time_origin::line);
    if (object.find('\n') != object.size() - 1) std::abort();
    boost::system::error_code bad;
    if (!boost::json::parse(object, bad).is_object() || bad) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t cut = text.size() * data[0] / 256;
    const std::vector<std::string> lines = lines_of(text, {});
    if (lines_of(text.substr(0, cut), text.substr(cut)) != lines) std::abort();
    for (const std::string& line : lines) {
        look_at(line, line_parser(log_format::raw, log_timestamps::none));
        look_at(line, line_parser(log_format::raw, log_timestamps::iso));
        look_at(line, line_parser(log_format::json, log_timestamps::none));
    }
    return 0;
}
