#include "common/log_names.h"

#include <algorithm>
#include <charconv>

namespace procctl {
namespace {

constexpr std::string_view compressed = ".gz";

} // namespace

std::string rotated_name(std::string_view log, std::uint64_t number)
{
    return std::string(log) + '.' + std::to_string(number);
}

std::string compressed_name(std::string_view rotated) { return std::string(rotated) += compressed; }

std::string next_name(std::string_view log) { return std::string(log) + ".new"; }

std::string marks_name(std::string_view file)
{
    const std::size_t name = file.rfind('/') + 1; // npos + 1 is 0
    return std::string(file.substr(0, name)) + '.' + std::string(file.substr(name)) + ".times";
}

std::optional<rotated_log> parse_rotated_name(std::string_view log, std::string_view entry)
{
    if (!entry.starts_with(log)) return {};
    entry.remove_prefix(log.size());
    if (!entry.starts_with('.')) return {};
    entry.remove_prefix(1);
    rotated_log found;
    found.is_compressed = entry.ends_with(compressed);
    if (found.is_compressed) entry.remove_suffix(compressed.size());
    // As we write it: "web.log.07" is somebody else's.
    if (entry.empty() || entry.front() == '0') return {};
    const auto read = std::from_chars(entry.data(), entry.data() + entry.size(), found.number);
    if (read.ec != std::errc() || read.ptr != entry.data() + entry.size()) return {};
    return found;
}

} // namespace procctl
